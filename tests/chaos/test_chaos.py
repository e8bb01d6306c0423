"""Whatever is killed, stopped, cut off, slowed down or doubled, nothing is lost and nothing happens twice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.matrix import CONVERSATION, MATRIX, WHY_NOT, drawn, few, struck
from tests.chaos.parts import PARTS
from tests.chaos.world import ALIVE_S, Tally, World, chaos
from tests.kit.redis_server import small_disk

_SERVICES = Path(__file__).resolve().parents[2] / "services"
_STOP_S = 2 * ALIVE_S


def test_the_matrix_names_every_service_and_a_reason_for_every_gap() -> None:
    services = {place.parent.name for place in _SERVICES.glob("*/service.py")}
    assert services == {*PARTS, *CONVERSATION, "isolation"}
    assert {*PARTS, "all-in-one", "conversation", "redis", "isolation"} == set(MATRIX)
    assert {mark for row in MATRIX.values() for mark in row.values()} == {"x", *WHY_NOT}


@pytest.mark.slow
@pytest.mark.timeout(580)
async def test_each_is_struck_and_each_fault_comes() -> None:
    """In an order drawn from a seed; each request is answered, or the person was told, and all comes to rest."""
    dice = random.Random(2026)
    async with chaos() as world:
        await _strike(world, few(drawn(dice, len(struck()))), dice)
        _nothing_wrong(await world.settle())


@pytest.mark.slow
@pytest.mark.timeout(580)
async def test_a_redis_that_keeps_nothing_may_die() -> None:
    """What it was told last it is told again, and who had said that he lives says so again."""
    dice = random.Random(2026)
    async with chaos("--appendonly", "no") as world:
        for _ in range(3):
            await world.strike("redis", "kill", dice, turns=10, stop_s=_STOP_S)
        _nothing_wrong(await world.settle())


@pytest.mark.only_long("every fault for everybody, for minutes; a disk of its own is mounted (root)")
@pytest.mark.timeout(580)
@pytest.mark.parametrize("part", range(2))
async def test_everybody_is_struck_by_every_fault(tmp_path: Path, part: int) -> None:
    dice = random.Random(2026)
    cells = drawn(dice, len(struck()))
    with small_disk(tmp_path / "disk", "64m") as disk:
        async with chaos("--appendfsync", "everysec", "--auto-aof-rewrite-min-size", "8mb", disk=disk) as world:
            await _strike(world, cells[part::2], dice)
            _nothing_wrong(await world.settle())


async def _strike(world: World, cells: Sequence[tuple[str, str]], dice: random.Random) -> None:
    for target, fault in cells:
        await world.strike(target, fault, dice, turns=2, stop_s=_STOP_S)


def _nothing_wrong(tally: Tally) -> None:
    assert (tally.lost, tally.twice, tally.unbalanced) == ([], [], [])
    assert tally.answered + tally.apologies == tally.requests
    assert tally.answered > tally.apologies
