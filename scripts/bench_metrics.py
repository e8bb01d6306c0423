"""What measuring costs: the metrics service during a conversation.

A minute of a spoken conversation's events is published as fast as it goes, measured and not; what the difference costs
in a minute, the readings of an idle minute and Prometheus's questions are added up.

Baseline in the same run: the same events with nobody measuring.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bus import Bus, Overflow
from scripts.figures import Figure, at_most, parser, plain, report
from services.metrics import Measurements, MetricsService, MetricsSettings
from services.metrics.latency import PARTS
from services.testing import running
from shared.clock import SystemClock
from shared.events import (
    AudioCaptured,
    AudioPlayed,
    Event,
    Latency,
    LlmDelta,
    LlmResponse,
    Stamp,
    SttFinal,
    SttPartial,
    TtsFinished,
    TurnFinished,
    TurnStarted,
    Usage,
)
from shared.ids import id_source
from shared.logs import configure

_MINUTE = 60
_SCRAPE_S = 5
"""Somebody who asks for the figures does it this often, at most."""


# ---- a minute of conversation


def minute(stamp: Stamp) -> Iterator[Event]:
    """What is published in a minute in which six questions are spoken and answered by the language model."""
    frame = bytes(640)
    for tick in range(50 * _MINUTE):
        yield stamp(AudioCaptured, first_sample=320 * tick, rate=16_000, pcm=frame)
        within, turn = tick % 500, tick // 500 + 1
        if within == 0:
            yield stamp(TurnStarted, reason="speech", first_sample=0, turn=turn)
        if within < 100 and within % 10 == 0:
            yield stamp(
                SttPartial, utterance="u", text="what is it", stable="", until_sample=0, language="en", confidence=1.0,
                engine="e", turn=turn,
            )  # fmt: skip
        if 120 <= within < 320:
            yield stamp(LlmDelta, request="r", index=within, text="word ", turn=turn)
            yield stamp(
                AudioPlayed, reply="r", clause=0, until_sample=0, rate=22_050, capture_sample=0, ended=False, turn=turn
            )
        if within == 330:
            yield from _end(stamp, turn)


def _end(stamp: Stamp, turn: int) -> Iterator[Event]:
    usage = Usage(
        prompt_tokens=100, cached_tokens=60, completion_tokens=200, dropped_messages=0,
        queue_ns=0, prefill_ns=10**8, decode_ns=10**9,
    )  # fmt: skip
    yield stamp(
        SttFinal, utterance="u", text="what is it", words=(), language="en", confidence=1.0, trusted=True,
        mode="grammar", engine="e", start_sample=0, until_sample=32_000, decode_ns=10**8, turn=turn,
    )  # fmt: skip
    yield stamp(LlmResponse, request="r", text="", finish="stop", tool_requests=(), usage=usage, model="m", turn=turn)
    yield stamp(
        TtsFinished, reply="r", clause=0, samples=22_050, rate=22_050, engine="e", synthesis_ns=10**7, turn=turn
    )
    yield stamp(
        TurnFinished, reason="answered", asked="", answered="", heard="", by="llm", turn=turn,
        latency=Latency(**dict.fromkeys(PARTS, 10**8), total=7 * 10**8),
    )  # fmt: skip


async def published(events: Sequence[Event], measured: bool) -> float:
    """CPU seconds to publish the events to a reader, and to measure them."""
    bus, settings = Bus(), MetricsSettings(sample_s=1000)
    async with contextlib.AsyncExitStack() as stack:
        reader = stack.enter_context(bus.subscribe(Event, capacity=100, overflow=Overflow.DROP_OLDEST))
        if measured:
            await stack.enter_async_context(running(MetricsService(settings, Measurements(bus, settings)), bus=bus))
        began = time.process_time()
        for number, event in enumerate(events):
            bus.publish(event)
            if number % 10 == 0:
                await asyncio.sleep(0)
                while reader.take_nowait() is not None:
                    pass
        return time.process_time() - began


async def watching(seconds: float, measured: bool) -> float:
    """CPU seconds of a loop that does nothing, with or without its readings taken."""
    bus, settings = Bus(), MetricsSettings()
    async with contextlib.AsyncExitStack() as stack:
        if measured:
            await stack.enter_async_context(running(MetricsService(settings, Measurements(bus, settings)), bus=bus))
            await asyncio.sleep(1)
        began = time.process_time()
        await asyncio.sleep(seconds)
        return time.process_time() - began


async def scraped(events: Sequence[Event], times: int) -> float:
    """CPU seconds to answer Prometheus once."""
    found = Measurements(Bus(), MetricsSettings())
    for event in events:
        found.counts.count(event)
        found.see(event)
    found.exposition()
    began = time.process_time()
    for _ in range(times):
        found.exposition()
    return (time.process_time() - began) / times


def cost(rounds: int, seconds: float) -> Iterator[Figure]:
    """Percent of a core that measuring takes during a conversation, and of what it is made."""
    events = list(minute(Stamp("bench", SystemClock(), id_source("e-"), "s")))
    plain_s = min(asyncio.run(published(events, False)) for _ in range(rounds))
    measured_s = min(asyncio.run(published(events, True)) for _ in range(rounds))
    yield plain("events in a minute of conversation", len(events), "events")
    yield plain("baseline: to publish and read them", plain_s / _MINUTE * 100, "% core")
    counting = max(0.0, measured_s - plain_s) / _MINUTE * 100
    yield plain("to count and measure them", counting, "% core")
    idle = asyncio.run(watching(seconds, False))
    reading = max(0.0, asyncio.run(watching(seconds, True)) - idle) / seconds * 100
    yield plain("to watch the loop and read CPU and memory", reading, "% core")
    scrape = asyncio.run(scraped(events, 20))
    yield plain(f"to answer Prometheus every {_SCRAPE_S} s", scrape / _SCRAPE_S * 100, "% core")
    yield at_most("all metrics during a conversation", counting + reading + scrape / _SCRAPE_S * 100, "% core", 2)


def figures(full: bool) -> Iterator[Figure]:
    """Everything measured."""
    yield from cost(10 if full else 3, 30 if full else 8)


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    arguments = parser(__doc__).parse_args()
    configure("error")
    return report(figures(arguments.full), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
