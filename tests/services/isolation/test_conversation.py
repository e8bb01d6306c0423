"""A conversation whose language model lives apart: however it dies in mid-turn, it apologises; the next turn works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from bus import Bus, Overflow, Subscription
from services.contract import Context
from services.dialogue import DialogueService, DialogueSettings
from services.isolation import Apart, Isolated, Nursery
from services.supervisor import Child, Supervisor
from shared.clock import SystemClock
from shared.events import (
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    ServiceReady,
    Stamp,
    TextEntered,
    ToolCall,
    ToolResult,
    TurnFinished,
)
from shared.ids import id_source
from tests.services.isolation.engines import Model


class Ignorant:
    """Skills that know nothing."""

    name: ClassVar[str] = "skills"
    consumes: ClassVar[tuple[type[Event], ...]] = (ToolCall,)

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, ToolCall)
            ctx.emit(
                ToolResult,
                outcome="unmatched",
                name="",
                speech="",
                data={},
                action="none",
                language=event.language,
            )


class Table:
    """The person's place."""

    def __init__(self, bus: Bus, stamp: Stamp, ends: Subscription[TurnFinished]) -> None:
        self.bus, self.stamp, self._ends = bus, stamp, ends

    async def ask(self, text: str) -> TurnFinished:
        self.bus.publish(self.stamp(TextEntered, text=text, speak=False))
        async with asyncio.timeout(60):
            return await anext(self._ends)


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    return tmp_path / "deadly"


@pytest.fixture
async def table(deadly: Path) -> AsyncIterator[Table]:
    clock, ids = SystemClock(), id_source("id-")
    bus, nursery = Bus(clock=clock, ids=ids), Nursery()
    ends = bus.subscribe(TurnFinished, overflow=Overflow.DROP_OLDEST)
    ready = bus.subscribe(ServiceReady, overflow=Overflow.DROP_OLDEST)
    conversation = DialogueService(DialogueSettings())
    children = [
        Child(DialogueService, lambda: conversation),
        Child(Ignorant),
        Child(Model, lambda: Isolated(partial(Model, deadly), Apart(), nursery)),
        Child(Nursery, lambda: nursery),
    ]
    async with Supervisor(bus, clock, ids, "s", children):
        async for event in ready:
            if event.service == "llm":
                break
        yield Table(bus, Stamp("terminal", clock, ids, "s"), ends)


@pytest.mark.parametrize("death", ["kill", "segfault", "stop"])
async def test_its_death_costs_a_sentence(table: Table, deadly: Path, death: str) -> None:
    """What it had said stays, the apology follows it."""
    deadly.write_text(death)
    lost = await table.ask("tell me a story")
    again = await table.ask("and now")
    assert lost.reason == "failed"
    assert lost.answered.startswith("1 ")
    assert len(lost.answered) > len("1 ")
    assert (again.reason, again.answered.strip()) == ("answered", "1 2 3 4 5 6 7 8 9")


async def test_a_stream_is_read_at_its_reader_s_pace(table: Table) -> None:
    """The window holds across processes, and nothing is lost."""
    request = table.stamp(LlmRequest, messages=(), tools=(), max_tokens=9, temperature=0.0, seed=0, stop=(), turn=1)
    async with table.bus.stream(request, window=1) as stream:
        said = [event async for event in stream]
    assert [event.text for event in said if isinstance(event, LlmDelta)] == [f"{n} " for n in range(1, 10)]
    assert isinstance(said[-1], LlmResponse)
