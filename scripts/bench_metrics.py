"""What it costs to be watched: the metrics service during a conversation, and event sockets that are hardly read.

A minute of a spoken conversation's events is published as fast as it goes, measured and not; what the difference costs
in a minute, the readings of an idle minute and Prometheus's questions are added up. Then typed questions are asked of
an assistant without watchers and, in turn, with many that read slowly or never.

Baselines in the same run: the same events with nobody measuring, and the same questions with nobody watching.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from bus import Bus, Overflow
from scripts.figures import Figure, at_most, parser, percentile, plain, report
from scripts.wire import Wire
from services.app import Assistant, Settings
from services.gateway import GatewaySettings
from services.journal import JournalSettings
from services.metrics import Measurements, MetricsService, MetricsSettings
from services.metrics.latency import PARTS
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from services.testing import running
from shared.clock import SystemClock
from shared.events import (
    AudioCaptured,
    AudioPlayed,
    Event,
    GatewayOpened,
    Latency,
    LlmDelta,
    LlmResponse,
    ModelFailed,
    Stamp,
    SttFinal,
    SttPartial,
    TextEntered,
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
_PEERS = """
import os, select, socket, sys
os.nice(19)
request = (b"GET /v1/events HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
for peer in peers:
    peer.sendall(request)
    peer.recv(12)
print("there", flush=True)
each = float(sys.argv[3])
while each:
    for peer in peers:
        if select.select([sys.stdin], [], [], each / len(peers))[0]:
            sys.exit()
        if select.select([peer], [], [], 0)[0]:
            peer.recv(8192)
sys.stdin.read()
"""
"""Event sockets that are read every so many seconds, 8 kB at a time; 0: never."""


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


# ---- watchers that never read


@contextlib.asynccontextmanager
async def assistant(folder: Path) -> AsyncIterator[tuple[Assistant, int]]:
    """A typed assistant with its gateway, and the gateway's port."""
    settings = Settings(
        gateway=GatewaySettings(enabled=True, port=0),
        journal=JournalSettings(folder=folder / "sessions"),
        models=ModelsSettings(folder=folder / "models"),
        skills=SkillsSettings(alarms_file=folder / "alarms.json"),
    )
    made = Assistant(settings, "text", watched=True)
    with made.bus.subscribe(GatewayOpened, name="bench") as opened:
        async with made:
            yield made, int((await anext(opened)).url.rpartition(":")[2])


async def asked(made: Assistant, times: int) -> list[float]:
    """How long each of so many questions took, in ms."""
    took = []
    with made.bus.subscribe(TurnFinished, name="bench") as finished:
        for _ in range(times):
            began = time.perf_counter()
            made.emit(TextEntered, text="what is 17 times 23", speak=False)
            await anext(finished)
            took.append((time.perf_counter() - began) * 1e3)
    return took


@contextlib.asynccontextmanager
async def peers(port: int, count: int, every_s: float) -> AsyncIterator[None]:
    """So many event sockets of another process, each read every so often, or never (0)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PEERS, str(port), str(count), str(every_s),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def filled(made: Assistant, port: int) -> None:
    """Return when every watcher is behind: what is sent to them is large, and soon too much."""
    wire = Wire(f"http://127.0.0.1:{port}")
    for number in range(300):
        made.emit(ModelFailed, role="vad", name="none", engine="none", message="x" * (60_000 if number < 12 else 1))
    before = -1
    for _ in range(20):
        clients = (await asyncio.to_thread(wire.get, "/v1/stats"))["clients"]
        if (delivered := sum(client["delivered"] for client in clients)) == before:
            return
        before = delivered
        await asyncio.sleep(0.5)


async def beside(count: int, every_s: float, times: int, rounds: int) -> tuple[list[Round], float]:
    """The times of questions without watchers and with them, round by round, and how many MiB memory grew meanwhile."""
    taken: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        async with assistant(Path(folder)) as (made, port):
            await asked(made, times)
            held = []
            for _ in range(rounds):
                alone = await asked(made, times)
                async with peers(port, count, every_s):
                    await filled(made, port)
                    taken.append((alone, await asked(made, times)))
                    held.append(psutil.Process().memory_info().rss / 2**20)
    return taken, held[-1] - held[0]


Round = tuple[list[float], list[float]]
"""How long questions took in ms, without watchers and with them."""


def watchers(count: int, times: int, rounds: int) -> Iterator[Figure]:
    """Whether the conversation notices watchers that read slowly, or never: the median of the rounds."""
    for how, every_s in (("that never read", 0.0), ("that read slowly", 1.0)):
        taken, grown = asyncio.run(beside(count, every_s, times, rounds))
        for percent in (50, 99):
            alone, watched = (median(percentile(one[side], percent) for one in taken) for side in (0, 1))
            yield plain(f"baseline: a typed question with no watcher, p{percent}", alone, "ms")
            yield plain(f"the same with {count} {how}, p{percent}", watched, "ms")
        more = median((percentile(w, 99) / percentile(a, 99) - 1) * 100 for a, w in taken)
        yield at_most(f"{count} watchers {how} make p99 later by", more, "%", 5)
        yield plain("memory grown from the first round to the last", grown, "MiB")


def figures(full: bool, chosen: Sequence[str]) -> Iterator[Figure]:
    """Everything measured."""
    if "cost" in chosen:
        yield from cost(10 if full else 3, 30 if full else 8)
    if "watchers" in chosen:
        yield from watchers(200, 400 if full else 200, 9 if full else 5)


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    options = parser(__doc__)
    options.add_argument("--only", nargs="+", default=("cost", "watchers"), help="parts to measure")
    arguments = options.parse_args()
    configure("error")
    return report(figures(arguments.full, arguments.only), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
