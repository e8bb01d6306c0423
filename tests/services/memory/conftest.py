"""What the tests of memory share: an embedding service that knows a few synonyms, and a person to talk to it."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from bus import Bus
from services.contract import Context
from services.memory import MemoryService, MemorySettings
from services.memory.words import content, stem
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.events import (
    EmbedRequest,
    EmbedResult,
    Event,
    MemoryErase,
    MemoryErased,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    TurnFinished,
)
from shared.ids import id_source

SATURDAY = 1_795_269_600_000_000_000
"""Saturday, 21 November 2026, 14:00 UTC, in ns."""
MINUTE = 60 * 10**9

_SAME = {"bicycle": "bike", "combination": "code", "spouse": "wife", "physician": "doctor", "automobile": "car"}


_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def raw(folder: Path) -> bytes:
    """All that the files in a folder hold, but for the random names that ChromaDB gives its own things."""
    held = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return _UUID.sub(b"", held)


def vector(text: str) -> np.ndarray:
    """Near for texts that share words or synonyms."""
    row = np.full(32, 1e-3)
    for word in content(text):
        seed = hashlib.sha256(stem(_SAME.get(word, word)).encode()).digest()
        row += np.random.default_rng(list(seed)).standard_normal(32)
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


class Embedder:
    """Answers `embed.request` with those vectors."""

    name: ClassVar[str] = "embedding"
    consumes: ClassVar[tuple[type[Event], ...]] = (EmbedRequest,)

    def __init__(self, fingerprint: str = "synonyms") -> None:
        self.fingerprint = fingerprint

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, EmbedRequest)
            ctx.emit(
                EmbedResult,
                request=event.id,
                model="test",
                engine="numpy",
                fingerprint=self.fingerprint,
                count=len(event.texts),
                dimensions=32,
                tokens=0,
                truncated=(),
                vectors=np.stack([vector(text) for text in event.texts]).tobytes(),
            )


class Person:
    """Talks to a memory service, one turn after the other."""

    def __init__(self, bench: Bench, clock: ManualClock) -> None:
        self.bench = bench
        self.clock = clock
        self.turn = 0
        self.finished = 0
        """The last turn that was."""

    async def tell(self, text: str, **more: object) -> MemoryStored:
        """Say a fact, in a turn of its own."""
        self.turn += 1
        self.bench.publish(MemoryStore, text=text, turn=self.turn, language="en", **more)
        stored = await self.bench.next(MemoryStored, timeout=60)
        self.finish("remember " + text, "I will remember that.", by="remember_fact")
        return stored

    async def ask(self, text: str, purpose: str = "search", **more: object) -> list[str]:
        """Ask in a turn that goes on; returns the texts that were found."""
        self.bench.publish(MemoryQuery, text=text, purpose=purpose, turn=self.turn, **more)
        return [item.text for item in (await self.bench.next(MemoryResult, timeout=60)).items]

    async def talk(self, asked: str, heard: str) -> None:
        """Have a turn with the language model."""
        self.turn += 1
        self.finish(asked, heard)

    def finish(self, asked: str, heard: str, by: str = "llm") -> None:
        self.finished = self.turn
        self.bench.publish(
            TurnFinished,
            turn=self.turn,
            reason="answered",
            asked=asked,
            answered=heard + " And more.",
            heard=heard,
            by=by,
            latency=None,
        )

    async def erase(self, what: str, **more: object) -> MemoryErased:
        self.turn += 1
        wish = self.bench.publish(MemoryErase, what=what, turn=self.turn, **more)
        erased = await self.bench.next(MemoryErased, timeout=60)
        assert (erased.cause, erased.request) == (wish.id, wish.id)
        return erased


@pytest.fixture
def remembering(tmp_path) -> Callable[..., contextlib.AbstractAsyncContextManager[Person]]:
    """Starts the service: `async with remembering(turns=False) as person`; `embedder=None` for one without vectors."""

    @contextlib.asynccontextmanager
    async def start(
        *others: object, embedder: Embedder | None = None, stores: tuple[str, ...] = (), **settings: object
    ) -> AsyncIterator[Person]:
        clock = ManualClock(SATURDAY)
        bus = Bus(clock=clock, ids=id_source("bus-"))
        given = {"folder": tmp_path / "memory", "embed_wait_ms": 30_000, "forget_wait_s": 30, **settings}
        service = MemoryService(MemorySettings.model_validate(given), stores=stores)
        async with contextlib.AsyncExitStack() as stack:
            for other in (embedder or Embedder(), *others):
                await stack.enter_async_context(running(other, bus=bus, clock=clock))
            yield Person(await stack.enter_async_context(running(service, bus=bus, clock=clock)), clock)

    return start
