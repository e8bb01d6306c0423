"""Whatever is killed, stopped, cut off or slowed down, nothing is lost and nothing happens twice."""

from __future__ import annotations

import random

import pytest

from tests.kit.chaos import chaos

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
