"""The language model may embed texts, compare them, and search what is remembered, where the settings say so."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from bus import Bus
from services.memory import MemoryService, MemorySettings
from services.skills import SkillsService, SkillsSettings
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.events import MemoryStore, MemoryStored, SkillsRegistered, ToolCall, ToolResult
from shared.ids import id_source
from tests.services.memory.conftest import Embedder
from tests.services.skills.conftest import SATURDAY
from tests.services.skills.conftest import MemoryStore as Alarms


@contextlib.asynccontextmanager
async def offered(*others: object, meaning: bool = True) -> AsyncIterator[Bench]:
    clock = ManualClock(SATURDAY)
    bus = Bus(clock=clock, ids=id_source("bus-"))
    async with contextlib.AsyncExitStack() as stack:
        for other in others:
            await stack.enter_async_context(running(other, bus=bus, clock=clock))
        skills = SkillsService(SkillsSettings(timezone="UTC", meaning=meaning), store=Alarms())
        yield await stack.enter_async_context(running(skills, bus=bus, clock=clock))


async def call(bench: Bench, name: str, **arguments: object) -> ToolResult:
    bench.publish(ToolCall, turn=1, sentence="", name=name, arguments=arguments, language="en")
    return await bench.next(ToolResult, timeout=60)


async def tools(bench: Bench) -> set[str]:
    registered = next(event for event in bench.log if isinstance(event, SkillsRegistered))
    return {tool.name for tool in registered.tools}


async def test_they_are_offered_only_where_the_settings_say_so() -> None:
    names = {"embed_text", "compare_meaning", "search_memory"}
    async with offered(meaning=True) as bench:
        assert names <= await tools(bench)
    async with offered(meaning=False) as bench:
        assert not names & await tools(bench)
        assert (await call(bench, "embed_text", text="a bike")).outcome == "unmatched"


async def test_a_text_becomes_numbers() -> None:
    async with offered(Embedder()) as bench:
        result = await call(bench, "embed_text", text="a bike", dimensions=32)
        vector = result.data["vector"]
        assert isinstance(vector, list)
        assert len(vector) == 32
        assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-2)


async def test_texts_are_compared_by_meaning_the_most_alike_first() -> None:
    async with offered(Embedder()) as bench:
        result = await call(bench, "compare_meaning", text="bicycle", others=["a house", "my bike"])
        alike = result.data["alike"]
        assert [row["text"] for row in alike] == ["my bike", "a house"]
        assert alike[0]["similarity"] > alike[1]["similarity"]


async def test_memory_is_searched_with_dates_to_cite(tmp_path) -> None:
    memory = MemoryService(MemorySettings(folder=tmp_path / "memory", vectors=False))
    async with offered(memory) as bench:
        bench.publish(MemoryStore, text="my bike code is 4512", language="en", turn=1)
        await bench.next(MemoryStored)
        result = await call(bench, "search_memory", text="bike code", what="facts")
        [row] = result.data["found"]
        assert (row["text"], row["said_on"]) == ("my bike code is 4512", "2026-11-21")
        assert (await call(bench, "search_memory", text="bike code", what="documents")).data == {"found": []}


async def test_without_what_they_need_they_say_so() -> None:
    async with offered() as bench:
        for name, arguments in (
            ("embed_text", {"text": "a bike"}),
            ("compare_meaning", {"text": "a bike", "others": ["a car"]}),
            ("search_memory", {"text": "a bike"}),
        ):
            result = await call(bench, name, **arguments)
            assert (result.outcome, bool(result.data["error"])) == ("failed", True)
