"""A memory that cannot be read says why to whoever asks, and is opened again where that may help."""

from __future__ import annotations

import contextlib
import sqlite3

from shared.events import MemoryQuery, MemoryResult, ServiceDegraded, ServiceReady

SECOND = 10**9


async def test_a_memory_damaged_while_it_runs_says_that_it_cannot_be_asked(remembering, tmp_path):
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
        with contextlib.closing(sqlite3.connect(tmp_path / "memory" / "memory.sqlite3")) as file:
            file.execute("DROP TABLE items")
        for purpose in ("search", "answer", "value", "facts"):
            person.bench.publish(MemoryQuery, text="bike code", purpose=purpose)
            result = await person.bench.next(MemoryResult, timeout=60)
            assert result.items == ()
            assert "cannot be read" in result.problem


async def test_a_file_that_could_not_be_opened_at_the_start_is_opened_after_a_pause(remembering, tmp_path):
    path = tmp_path / "memory" / "memory.sqlite3"
    path.mkdir(parents=True)  # which cannot be opened as a file
    async with remembering(vectors=False) as person:
        await person.bench.next(ServiceDegraded, timeout=60)
        first = await person.tell("my bike code is 4512")
        assert "memory.folder elsewhere" in first.problem
        path.rmdir()
        assert (await person.tell("my bike code is 4512")).problem == first.problem
        person.clock.advance(5 * SECOND)
        assert (await person.tell("my bike code is 4512")).problem == ""
        assert await person.ask("bike code", "value") == ["my bike code is 4512"]
        assert sum(isinstance(event, ServiceDegraded) for event in person.bench.log) == 1
        ready = [event for event in person.bench.log if isinstance(event, ServiceReady) and event.service == "memory"]
        assert len(ready) == 2


async def test_a_file_that_stays_shut_is_tried_after_growing_pauses(remembering, tmp_path):
    path = tmp_path / "memory" / "memory.sqlite3"
    path.mkdir(parents=True)
    async with remembering(vectors=False) as person:
        await person.bench.next(ServiceDegraded, timeout=60)
        for seconds in (5, 10, 20):
            person.clock.advance(seconds * SECOND)
            assert (await person.tell("my bike code is 4512")).problem
        path.rmdir()
        person.clock.advance(39 * SECOND)
        assert (await person.tell("my bike code is 4512")).problem
        person.clock.advance(SECOND)
        assert (await person.tell("my bike code is 4512")).problem == ""
