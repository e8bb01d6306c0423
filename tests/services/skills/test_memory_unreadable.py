"""Memory by voice where its file is damaged: who asks for it is told so, and the model answers what may be for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from bus import Bus
from services.memory import MemoryService, MemorySettings
from services.skills import SkillsService, SkillsSettings
from services.testing import running
from shared.clock import ManualClock
from shared.events import MemoryErased
from shared.ids import id_source
from tests.services.skills.conftest import SATURDAY, MemoryStore
from tests.services.skills.test_memory import Talk


@pytest.fixture
async def unreadable(tmp_path) -> AsyncIterator[Talk]:
    """A talk beside a memory whose file is damaged."""
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.sqlite3").write_bytes(b"no memories" * 100)
    clock = ManualClock(SATURDAY)
    bus = Bus(clock=clock, ids=id_source("bus-"))
    memory = MemoryService(MemorySettings(folder=tmp_path / "memory", vectors=False))
    skills = SkillsService(SkillsSettings(languages=("en",)), store=MemoryStore())
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(memory, bus=bus, clock=clock))
        yield Talk(await stack.enter_async_context(running(skills, bus=bus, clock=clock)), clock)


@pytest.mark.parametrize(
    "sentence",
    [
        "what is my bike code",
        "how do you know that?",
        "when did I tell you my address?",
        "what did I tell you about Zelda",
        "what do you know about me",
        "what did we talk about yesterday",
    ],
)
async def test_a_memory_that_cannot_be_read_is_said_to_who_asks_for_it(unreadable, sentence):
    answer = await unreadable.ask(sentence)
    assert answer.outcome == "failed"
    assert "cannot" in answer.speech
    assert "memory" in answer.speech


@pytest.mark.parametrize("sentence", ["what do you know about Anna?", "forget about Anna"])
async def test_what_may_be_a_question_for_the_model_is_one_where_memory_cannot_be_read(unreadable, sentence):
    assert (await unreadable.ask(sentence)).outcome == "unmatched"


async def test_a_memory_that_cannot_be_read_leaves_the_forgetting_to_the_others_and_says_so(unreadable):
    assert "cannot be read" in await unreadable.say("forget my address")
    [erased] = [event for event in unreadable.bench.log if isinstance(event, MemoryErased)]
    assert [(line.store, line.ok) for line in erased.removed] == [("memory", False)]
