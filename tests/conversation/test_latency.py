"""The latency ledger of real turns, held against what the room and the speaker saw."""

from __future__ import annotations

import random

import pytest

from shared.events import AudioPlayed, Event, SpeechEnded, TurnFinished
from tests.conversation.world import FRAME, RATE, world

FRAME_NS = FRAME * 1_000_000_000 // RATE


@pytest.mark.looptime
@pytest.mark.parametrize("seed", range(5))
async def test_with_random_delays_the_parts_sum_to_the_time_from_the_last_voiced_to_the_first_audible_sample(
    seed: int,
) -> None:
    chance = random.Random(seed)
    events: list[Event] = []
    async with world(
        skills={"what time is it": "It is ten past nine, and all is well."},
        model={"tell me a story": "Once upon a time, there was a fox. It lived in a wood with very many friends."},
        delays=lambda: chance.choice([0.0, 0.01, 0.1, 0.4]),
    ) as here:
        here.bench.bus.tap(events.append)
        for _ in range(4):
            events.clear()
            await here.say(chance.choice(["what time is it", "tell me a story"]))
            finished = await here.bench.next(TurnFinished, timeout=60)
            assert finished.latency is not None
            parts = finished.latency.model_dump()
            total = parts.pop("total")
            assert min(parts.values()) >= 0
            assert sum(parts.values()) == total
            assert abs(total - _true(events)) <= 2 * FRAME_NS  # sound comes in and goes out in frames
            await here.pass_by(0.5)


def _true(events: list[Event]) -> int:
    voiced = next(e for e in events if isinstance(e, SpeechEnded))
    heard = next(e for e in events if isinstance(e, AudioPlayed) and e.until_sample)
    audible = heard.capture_sample * 1_000_000_000 // RATE - heard.until_sample * 1_000_000_000 // heard.rate
    return audible - voiced.sample * 1_000_000_000 // RATE
