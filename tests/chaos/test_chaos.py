"""Whatever is killed, stopped, cut off or slowed down, nothing is lost and nothing happens twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.kit.chaos import Fault, chaos
from tests.kit.redis_server import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580)]


async def test_every_fault_once(request: pytest.FixtureRequest) -> None:
    """In an order drawn from a seed, for one worker or the other; each turn is answered, or the person was told."""
    rounds = 10 if request.config.getoption("--long") else 1
    dice = random.Random(2026)
    async with chaos() as world:
        for _ in range(rounds):
            faults = world.faults()
            dice.shuffle(faults)
            once = {fault.name.replace("left", "worker").replace("right", "worker"): fault for fault in faults}
            for fault in once.values():
                await world.strike(fault, dice, turns=4)
        tally = await world.settle()
    assert (tally.lost, tally.twice, tally.unbalanced) == ([], [], [])
    assert tally.answered + tally.apologies == 2 * tally.turns
    assert tally.answered > tally.apologies


@pytest.mark.only_long("a disk of its own is mounted (root)")
async def test_a_full_disk_of_redis(tmp_path: Path) -> None:
    """What it cannot write it refuses; that waits where it is, and is done once there is room."""
    dice = random.Random(2026)
    with small_disk(tmp_path / "disk") as disk:

        async def fill() -> None:
            await asyncio.to_thread(disk.fill)

        async def free() -> None:
            await asyncio.to_thread(disk.free)

        async with chaos("--appendfsync", "everysec", disk=disk.folder) as world:
            for _ in range(5):
                await world.strike(Fault("redis: its disk is full", fill, free), dice, turns=8)
            tally = await world.settle()
    assert (tally.lost, tally.twice, tally.unbalanced) == ([], [], [])
    assert tally.answered + tally.apologies == 2 * tally.turns
