"""The same conversations over five processes and three machines, in slowed real time, as on virtual time in one.

The files are the very same, and so is what must come of them. How long a thing takes is not judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conversation.apart import Apart, apart
from tests.conversation.scenario import Scenario, load, play
from tests.conversation.slowly import slowly
from tests.kit.machines import Line, line, machine, moved
from tests.kit.redis_server import redis_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(580)]

SCENARIOS = load(Path(__file__).with_name("scenarios"))
FEW = (
    "real words interrupt, the answer is fenced, and the new question is answered",
    "a model that dies in the middle of its answer is apologised for after what it said",
    "a clause that cannot be spoken is apologised for aloud",
)
_BESIDE = 6
"""Scenarios that are held at the same time."""
_LONGEST_S = 60.0
_PARTS = 4


def test_conversations_go_as_written_over_five_processes() -> None:
    """Recognition, skills, the model and the voice are elsewhere; sound crosses to where it is needed."""
    few = [scenario for scenario in SCENARIOS if scenario.name in FEW]
    assert len(few) == len(FEW)
    slowly(over_five_processes(few))


@pytest.mark.only_long("every scenario, in real time, for minutes")
@pytest.mark.parametrize("part", range(_PARTS))
def test_every_conversation_goes_as_written_over_five_processes(part: int) -> None:
    slowly(over_five_processes(SCENARIOS[part::_PARTS]))


@pytest.mark.only_long("network namespaces (root), for minutes")
@pytest.mark.parametrize("part", range(_PARTS))
def test_every_conversation_goes_as_written_over_three_machines(part: int) -> None:
    """Redis, the engines and the conversation each on its own, 20 ms apart, and the line breaks and stands still."""
    slowly(over_three_machines(SCENARIOS[part::_PARTS]))


async def over_five_processes(scenarios: Sequence[Scenario]) -> None:
    with redis_server() as server:
        async with apart(server.url) as processes:
            assert await failures(scenarios, processes) == {}


async def over_three_machines(scenarios: Sequence[Scenario]) -> None:
    with contextlib.ExitStack() as stack:
        redis_, workers, _ = (stack.enter_context(machine(number)) for number in (1, 2, 3))
        connection = stack.enter_context(line(stack.enter_context(redis_server()), "10.98.76.1", redis_))
        stack.enter_context(moved(3))
        async with apart(f"redis://{connection.address}", within=workers) as processes:
            spoiling = asyncio.create_task(spoil(connection))
            try:
                assert await failures(scenarios, processes) == {}
            finally:
                spoiling.cancel()


async def failures(scenarios: Sequence[Scenario], processes: Apart) -> dict[str, str]:
    """Play them, some beside each other; returns what was wrong, by scenario."""
    room = asyncio.Semaphore(_BESIDE)

    async def one(scenario: Scenario) -> str:
        async with room:
            return await failure(scenario, processes)

    told = await asyncio.gather(*(one(scenario) for scenario in scenarios))
    return {scenario.name: problem for scenario, problem in zip(scenarios, told, strict=True) if problem}


async def failure(scenario: Scenario, processes: Apart) -> str:
    """Play one; empty when it went as written."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            await play(scenario, engines=processes.engines)
    except (AssertionError, TimeoutError, BaseExceptionGroup) as error:
        return _reason(error)
    return ""


def _reason(error: BaseException) -> str:
    """What was not as written; anything else is raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, AssertionError | TimeoutError):
        raise error
    return f"{type(error).__name__}: {error}"


async def spoil(connection: Line) -> None:
    """Cut the line or let it stand still, now and then."""
    dice = random.Random(2026)
    while True:
        await asyncio.sleep(dice.uniform(3, 6))
        connection.does(dice.choice(("cut", "stall")))
        await asyncio.sleep(dice.uniform(0.1, 0.4))
        connection.does("flow")
