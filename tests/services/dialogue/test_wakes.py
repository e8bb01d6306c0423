"""Wakes: on the capture clock while sound comes in, on the loop's while not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.dialogue.commands import Forget, WakeAfter, WakeAt
from services.dialogue.wakes import Wakes

pytestmark = pytest.mark.looptime


@contextlib.asynccontextmanager
async def ticking() -> AsyncIterator[tuple[Wakes, list[tuple[str, float]]]]:
    """Wakes that note when each came, in seconds of the loop."""
    came: list[tuple[str, float]] = []
    wakes = Wakes(lambda name: came.append((name, asyncio.get_running_loop().time())))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(wakes.run())
        yield wakes, came
        task.cancel()


async def frames(wakes: Wakes, first: int, until: int) -> None:
    """Sound comes in from one sample to another, in real time."""
    for position in range(first + 320, until + 1, 320):
        await asyncio.sleep(0.02)
        wakes.advance(position)


async def test_a_wake_at_a_sample_comes_with_the_frame_that_holds_it() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("a", 8_000))
        await frames(wakes, 0, 16_000)
        assert came == [("a", pytest.approx(0.5))]


async def test_a_wake_in_the_past_comes_with_the_next_frame() -> None:
    async with ticking() as (wakes, came):
        await frames(wakes, 0, 3_200)
        wakes.set(WakeAt("a", 100))
        await frames(wakes, 3_200, 3_520)
        assert [name for name, _ in came] == ["a"]


async def test_sound_that_comes_faster_than_real_time_wakes_by_its_samples() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("a", 160_000))
        wakes.advance(160_000)
        assert came == [("a", 0.0)]


async def test_without_sound_the_clock_wakes_a_little_later_than_the_sample_was_due() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("a", 16_000))
        await asyncio.sleep(3)
        assert came == [("a", pytest.approx(1.5))]


async def test_sound_that_stops_wakes_when_the_sample_would_have_come() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("a", 32_000))
        await frames(wakes, 0, 16_000)
        await asyncio.sleep(5)
        assert came == [("a", pytest.approx(2.5))]


async def test_slow_sound_never_wakes_before_its_sample() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("a", 1_600))
        for position in range(320, 1_601, 320):
            await asyncio.sleep(0.4)
            assert came == []
            wakes.advance(position)
        assert [name for name, _ in came] == ["a"]


async def test_a_wake_after_a_while_needs_no_sound() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAfter("a", 2_000_000_000))
        await asyncio.sleep(3)
        assert came == [("a", pytest.approx(2.0))]


async def test_a_newer_wake_of_the_same_name_replaces_the_older_and_forget_drops_it() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAfter("a", 1_000_000_000))
        wakes.set(WakeAfter("a", 3_000_000_000))
        wakes.set(WakeAfter("b", 1_000_000_000))
        wakes.set(Forget("b"))
        await asyncio.sleep(5)
        assert came == [("a", pytest.approx(3.0))]


async def test_wakes_at_one_frame_come_in_the_order_of_their_samples() -> None:
    async with ticking() as (wakes, came):
        wakes.set(WakeAt("late", 300))
        wakes.set(WakeAt("early", 100))
        wakes.advance(320)
        assert [name for name, _ in came] == ["early", "late"]
