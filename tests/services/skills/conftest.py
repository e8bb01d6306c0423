"""What the tests of skills share: a store in memory, and a service one can talk to."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import JsonValue

from services.skills import SkillsService, SkillsSettings
from services.skills.catalogue import catalogue
from services.skills.remembering import NoMemory
from services.skills.ringing import Alarm, AlarmBook, Done, Kept, Question
from services.skills.skill import Skill
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.events import Stamp, ToolCall, ToolResult
from shared.ids import id_source

_RUNS = itertools.count(1)
SATURDAY = 1_795_269_600_000_000_000
"""Saturday, 21 November 2026, 14:00 UTC, in ns."""


class MemoryStore:
    """Keeps alarms as a disk does that never fails."""

    def __init__(self, alarms: Sequence[Alarm] = ()) -> None:
        self.kept = tuple(alarms)
        self.done: tuple[Done, ...] = ()
        self.before: tuple[str, ...] = ()
        self.questions: tuple[Question, ...] = ()
        self.saves = 0

    def load(self) -> Kept:
        return Kept(alarms=self.kept, done=self.done, before=self.before, questions=self.questions)

    def save(self, kept: Kept) -> None:
        self.kept, self.done, self.before, self.questions = kept.alarms, kept.done, kept.before, kept.questions
        self.saves += 1


class Talk:
    """A conversation with the skills alone."""

    def __init__(self, bench: Bench, clock: ManualClock, store: MemoryStore) -> None:
        self.bench = bench
        self.clock = clock
        self.store = store

    async def say(self, sentence: str, language: str = "en", *, session: str = "test") -> ToolResult:
        """Say a sentence; returns the result."""
        self.bench.publish(
            ToolCall, session=session, sentence=sentence, name="", arguments={}, language=language, turn=1
        )
        return await self.bench.next(ToolResult)

    async def call(self, name: str, language: str = "en", **arguments: JsonValue) -> ToolResult:
        """Call a tool as the model does."""
        self.bench.publish(ToolCall, sentence="", name=name, arguments=arguments, language=language, turn=1)
        return await self.bench.next(ToolResult)


@contextlib.asynccontextmanager
async def _talking(
    *, timezone: str = "Europe/London", store: MemoryStore | None = None, later_s: int = 0, **settings: object
) -> AsyncIterator[Talk]:
    """Run the service at 2 PM of a Saturday in November (or `later_s` seconds after), the clock standing still."""
    clock, store = ManualClock(SATURDAY + later_s * 1_000_000_000), store or MemoryStore()
    service = SkillsService(
        SkillsSettings.model_validate({"timezone": timezone, "languages": ["en"], **settings}), store=store
    )
    async with running(service, clock=clock) as bench:
        bench.event = Stamp(
            "test", clock, id_source(f"test-{next(_RUNS)}-"), "test"
        )  # as each process has ids of its own
        yield Talk(bench, clock, store)


@pytest.fixture(scope="module")
def skills() -> Iterator[dict[str, Skill[Any]]]:
    """Every skill by name, with a book that nobody rings."""

    with ThreadPoolExecutor(1) as thread:
        book = AlarmBook(ManualClock(), ring_every=1, rings=1)
        yield catalogue(SkillsSettings(), book=book, zone=ZoneInfo("UTC"), thread=thread, memory=NoMemory())


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    async with _talking() as talk:
        yield talk


@pytest.fixture
def talking() -> Callable[..., contextlib.AbstractAsyncContextManager[Talk]]:
    """Starts the service with settings of its own: `async with talking(rings=1) as talk`."""
    return _talking
