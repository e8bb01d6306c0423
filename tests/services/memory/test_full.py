"""A disk that is full while memory is told and indexed is said, and costs nothing of what it said it kept."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.memory.engines.chroma import open_chroma
from services.memory.store import Store
from shared.events import ServiceDegraded

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
FILLED = """
import asyncio, resource, signal, sys
from pathlib import Path
from bus import Bus
from services.memory import MemoryService, MemorySettings
from services.testing import running
from shared.events import MemoryQuery, MemoryResult, MemoryStore, MemoryStored, ServiceDegraded
from tests.services.memory.conftest import Embedder

folder = Path(sys.argv[1])

async def main():
    bus, settings = Bus(), MemorySettings(folder=folder, embed_wait_ms=30000)
    async with running(Embedder(), bus=bus), running(MemoryService(settings), bus=bus) as bench:
        async def tell(number):
            bench.publish(MemoryStore, text=f"my code{number} is value{number}")
            return await bench.next(MemoryStored, timeout=60)
        async def found(text, purpose):
            bench.publish(MemoryQuery, text=text, purpose=purpose)
            return [item.text for item in (await bench.next(MemoryResult, timeout=60)).items]
        assert (await tell(0)).item is not None
        assert await found("code0", "search")
        # What a full disk does to whoever writes more, as far as one process can be told so.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        problem, kept = "", 1
        while not problem:
            problem = (await tell(kept)).problem
            kept += not problem
            assert await found("code0", "value") == ["my code0 is value0"]
        assert "Make room" in problem
        assert [event.reason for event in bench.log if isinstance(event, ServiceDegraded)]
        print(f"kept={kept}", flush=True)

asyncio.run(main())
"""


async def test_a_disk_that_is_full_during_indexing_loses_nothing_and_is_caught_up_with(remembering, tmp_path) -> None:
    command = [sys.executable, "-c", FILLED, str(tmp_path / "memory")]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    acknowledged = int(done.stdout.rpartition("kept=")[2].split()[0])
    async with remembering() as person:
        await person.ask("anything")  # waits until the vectors have followed

    def agree() -> None:
        store, vectors = Store(tmp_path / "memory" / "memory.sqlite3"), open_chroma(tmp_path / "memory" / "vectors")
        kept = {item.text for item in store.everything()}
        assert {f"my code{number} is value{number}" for number in range(acknowledged)} <= kept
        assert vectors.ids() == store.live_ids()
        assert store.pending() == []
        store.close()
        vectors.close()

    await asyncio.to_thread(agree)


@contextlib.contextmanager
def full(folder: Path, for_: str, before: str = "") -> Iterator[Callable[[], None]]:
    """A disk that is full for a statement, after `before` was executed, until what this yields is called."""
    with contextlib.closing(sqlite3.connect(folder / "memory.sqlite3", isolation_level=None)) as file:
        file.execute(before)
        file.execute(f"CREATE TRIGGER full BEFORE {for_} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
        yield lambda: file.execute("DROP TRIGGER full").close()


async def test_a_folder_that_could_not_be_followed_is_followed_once_there_is_room(remembering, tmp_path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "bike.md").write_text("The spare key is under the mat.", "utf-8")
    async with remembering(vectors=False) as person:
        assert await person.ask("spare key") == []
    with full(tmp_path / "memory", "INSERT ON documents") as make_room:
        async with remembering(vectors=False, watch=[tmp_path / "notes"], watch_s=1) as person:
            assert "Make room" in (await person.bench.next(ServiceDegraded)).reason
            assert await person.ask("spare key") == []
            make_room()
            while await person.ask("spare key") != ["The spare key is under the mat."]:
                pass
            assert sum(isinstance(event, ServiceDegraded) for event in person.bench.log) == 1


async def test_what_cannot_expire_on_a_full_disk_is_said_and_memory_serves_on(remembering, tmp_path) -> None:
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
    with full(tmp_path / "memory", "DELETE ON items", before="UPDATE items SET at = 1"):
        async with remembering(vectors=False, keep_facts_days=1) as person:
            assert "Make room" in (await person.bench.next(ServiceDegraded)).reason
            assert await person.ask("", "facts") == ["my bike code is 4512"]


@pytest.mark.parametrize("for_", ["INSERT", "DELETE"])
async def test_vectors_that_could_not_follow_do_once_there_is_room(remembering, tmp_path, for_) -> None:
    """Neither those that are missing when they are opened, nor those whose lines cannot be struck."""
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
    before = "DELETE FROM outbox" if for_ == "INSERT" else ""
    with full(tmp_path / "memory", f"{for_} ON outbox", before) as make_room:
        async with remembering() as person:
            await person.ask("bicycle combination")
            assert sum(isinstance(event, ServiceDegraded) for event in person.bench.log) == 1
            make_room()
            assert await person.ask("bicycle combination") == ["my bike code is 4512"]
            await person.tell("my door code is 7788")
            assert await person.ask("combination of the door") == ["my door code is 7788", "my bike code is 4512"]
