"""The gate: many pass, one is alone, in the order they came."""

from __future__ import annotations

import asyncio

from services.llm.gate import Gate


async def test_many_are_inside_at_once_and_one_who_is_alone_waits_for_them() -> None:
    gate, said, leave = Gate(), [], asyncio.Event()

    async def passing(name: str) -> None:
        async with gate.passing():
            said.append(f"{name} in")
            await leave.wait()
            said.append(f"{name} out")

    async def alone() -> None:
        async with gate.alone():
            said.append("alone")

    async with asyncio.TaskGroup() as group:
        for work in (passing("a"), passing("b"), alone(), passing("late")):
            group.create_task(work)
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert said == ["a in", "b in"], "who waits to be alone keeps those who come later waiting"
        leave.set()
    assert said == ["a in", "b in", "a out", "b out", "alone", "late in", "late out"]


async def test_one_who_gives_up_waiting_holds_nobody_up() -> None:
    gate = Gate()
    async with gate.passing():
        waiting = asyncio.create_task(_alone(gate))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(5), gate.passing():
            pass
    async with asyncio.timeout(5), gate.alone():
        pass


async def _alone(gate: Gate) -> None:
    async with gate.alone():
        pass
