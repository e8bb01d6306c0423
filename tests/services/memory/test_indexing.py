"""The vectors follow the store again once what keeps them works again, and are not asked for at every moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from services.memory.engines.chroma import open_chroma
from services.memory.errors import MemoryDamaged, VectorsUnusable
from services.memory.indexing import Embedded, Indexing
from services.memory.item import Item
from services.memory.store import Store
from services.memory.vectors import Matrix, Near
from services.memory.worker import Worker
from shared.clock import ManualClock
from shared.events import ServiceDegraded, ServiceReady
from tests.services.memory.conftest import raw, vector

SECOND = 10**9


class Server:
    """Keeps vectors beside the program that is tested, which opens it anew after each failure."""

    def __init__(self) -> None:
        self.rows: dict[str, Matrix] = {}
        self.files = set[str]()
        """Whose vectors could be found in the files."""
        self.owed = False
        self.fingerprint = ""
        self.trouble: Exception | None = None
        self.full = False
        self.opened = 0
        self.closed = 0

    def open(self) -> Server:
        self.opened += 1
        self.works()
        return self

    def works(self) -> None:
        """Raise what is wrong."""
        if self.trouble is not None:
            raise VectorsUnusable(f"It failed ({self.opened}).") from self.trouble

    def begin(self, fingerprint: str) -> None:
        self.works()
        self.rows, self.fingerprint = {}, fingerprint

    def put(self, ids: Sequence[str], rows: Matrix) -> None:
        self.works()
        if self.full:
            raise VectorsUnusable("There is no room.") from OSError()
        self.rows.update(zip(ids, rows, strict=True))
        self.files |= set(ids)

    def drop(self, ids: Sequence[str]) -> None:
        self.works()
        for id_ in ids:
            self.rows.pop(id_, None)

    def owe(self) -> None:
        self.owed = True

    def purge(self) -> None:
        self.works()
        self.files, self.owed = set(self.rows), False

    def nearest(self, row: Matrix, limit: int) -> list[Near]:
        self.works()
        return sorted(((id_, float(row @ kept)) for id_, kept in self.rows.items()), key=lambda pair: -pair[1])[:limit]

    def ids(self) -> set[str]:
        self.works()
        return set(self.rows)

    def close(self) -> None:
        self.closed += 1


class Follower:
    """An index that follows a store, on a clock that is moved by hand."""

    def __init__(self, server: Server, store: Store, clock: ManualClock) -> None:
        self.server, self.store, self.clock = server, store, clock
        self.told: list[str] = []
        self.recovered = 0
        self.writing = Worker("store")
        self.index = Indexing(
            store,
            self.writing,
            opener=server.open,
            owe=server.owe,
            embed=self.embed,
            now=clock.now_ns,
            monotonic=clock.monotonic_ns,
            troubled=self.told.append,
            recovered=self.recover,
        )

    def recover(self) -> None:
        self.recovered += 1

    async def embed(self, texts: tuple[str, ...]) -> Embedded:
        return Embedded(np.stack([vector(text) for text in texts]), "synonyms", knows_meaning=True)

    async def keep(self, id_: str, text: str) -> None:
        """Keep a fact, and let the vectors follow."""
        fact = {"key": "", "value": "", "slot": "", "topic": "", "language": "en", "session": "s", "turn": 1}
        more = {"speaker": "", "source": "", "place": "", "expires": 0, "state": "live"}
        item = Item(id=id_, what="fact", text=text, at=1, **fact, **more)  # type: ignore[arg-type]
        await asyncio.to_thread(self.store.keep, item)
        await self.index.settled()

    async def after(self, seconds: float) -> None:
        """Let time go by, and the vectors follow."""
        self.clock.advance(round(seconds * SECOND))
        await self.index.settled()

    async def forget(self, id_: str) -> tuple[int, str]:
        """Forget a fact, whether the vectors can follow or not."""

        async def delete() -> list[str]:
            await asyncio.to_thread(self.store.delete, [id_])
            return [id_]

        return await self.index.forget(delete)

    async def found(self, text: str) -> list[str] | None:
        near = await self.index.nearest(await self.embed((text,)), 1)
        return None if near is None else [id_ for id_, _ in near]


@pytest.fixture
async def follower(tmp_path) -> AsyncIterator[Follower]:
    store = await asyncio.to_thread(Store, tmp_path / "memory.sqlite3")
    one = Follower(Server(), store, ManualClock())
    running = asyncio.create_task(one.index.run())
    yield one
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await one.index.close()
    await one.writing.close(store.close)


async def test_what_was_kept_while_the_vectors_failed_is_put_once_they_work_again(follower):
    await follower.keep("bike", "my bike code is 4512")
    follower.server.trouble = ConnectionError()
    await follower.keep("car", "my car code is 99")
    assert await follower.found("automobile") is None
    follower.server.trouble = None
    await follower.after(29)
    assert set(follower.server.rows) == {"bike"}
    await follower.after(1)
    assert set(follower.server.rows) == {"bike", "car"}
    assert await follower.found("automobile") == ["car"]
    assert await asyncio.to_thread(follower.store.pending) == []


async def test_a_failing_question_is_a_failure_and_the_handle_is_not_used_again(follower):
    await follower.keep("bike", "my bike code is 4512")
    follower.server.trouble = ConnectionError()
    assert await follower.found("bicycle") is None
    follower.server.trouble = None
    assert await follower.found("bicycle") is None
    await follower.after(30)
    assert await follower.found("bicycle") == ["bike"]
    assert (follower.server.opened, follower.server.closed) == (2, 1)


async def test_what_a_server_lost_in_its_restart_is_put_again(follower):
    await follower.keep("bike", "my bike code is 4512")
    follower.server.trouble = ConnectionError()
    assert await follower.found("bicycle") is None
    follower.server.rows, follower.server.fingerprint, follower.server.trouble = {}, "", None
    await follower.after(30)
    assert await follower.found("bicycle") == ["bike"]


async def test_it_is_tried_after_growing_pauses_and_said_once(follower):
    follower.server.trouble = ConnectionError()
    await follower.keep("bike", "my bike code is 4512")
    tried = []
    for _ in range(60 * 30):
        await follower.after(1)
        if follower.server.opened > len(tried) + 1:
            tried.append(follower.clock.monotonic_ns() // SECOND)
    assert tried == [30, 90, 210, 450, 930, 1530]
    assert follower.told == ["It failed (1)."]
    follower.server.trouble = PermissionError()
    await follower.after(600)
    assert follower.told == ["It failed (1).", "It failed (8)."]


async def test_a_disk_that_stays_full_lengthens_the_pauses_and_success_shortens_them(follower):
    follower.server.full = True
    await follower.keep("bike", "my bike code is 4512")
    for seconds, opened in ((30, 2), (30, 2), (30, 3), (60, 3)):
        await follower.after(seconds)
        assert follower.server.opened == opened
    follower.server.full = False
    await follower.after(60)
    assert set(follower.server.rows) == {"bike"}
    follower.server.full = True
    await follower.keep("car", "my car code is 99")
    follower.server.full = False
    await follower.after(30)
    assert set(follower.server.rows) == {"bike", "car"}


async def test_forgetting_waits_for_no_pause(follower):
    await follower.keep("bike", "my bike code is 4512")
    follower.server.trouble = ConnectionError()
    assert await follower.found("bicycle") is None
    follower.server.trouble = None
    assert await follower.forget("bike") == (1, "")
    assert follower.server.rows == {}


async def test_what_was_forgotten_while_the_vectors_failed_is_in_no_file_once_they_work(follower):
    """Nor after another was forgotten meanwhile; one that was superseded before has a vector in the files only."""
    for id_ in ("bike", "car", "old"):
        await follower.keep(id_, f"my {id_} code is 4512")
    follower.server.rows.pop("old")
    follower.server.trouble = ConnectionError()
    for id_ in ("bike", "old"):
        count, problem = await follower.forget(id_)
        assert not count
        assert problem
    assert follower.server.files == {"bike", "car", "old"}
    follower.server.trouble = None
    await follower.after(600)
    assert (follower.server.files, follower.server.owed) == ({"car"}, False)


async def test_what_could_not_be_dropped_is_purged_with_what_is_forgotten_next(follower):
    for id_ in ("bike", "car"):
        await follower.keep(id_, f"my {id_} code is 4512")
    follower.server.trouble = ConnectionError()
    await follower.forget("bike")
    follower.server.trouble = None
    assert await follower.forget("car") == (1, "")
    assert follower.server.files == set()


async def test_nothing_is_purged_before_all_that_was_forgotten_is_dropped(follower, monkeypatch):
    """Else the next files hold it, and nobody knows."""
    for id_ in ("bike", "car", "wife"):
        await follower.keep(id_, f"my {id_} code is 4512")
    follower.server.trouble = ConnectionError()
    await follower.forget("bike")
    follower.server.trouble = None
    with monkeypatch.context() as disk:
        disk.setattr(follower.store, "live_ids", unreadable)
        assert (await follower.forget("car"))[1]
    assert (follower.server.files, follower.server.owed) == ({"bike", "car", "wife"}, True)
    await follower.after(600)
    assert (follower.server.files, follower.server.owed) == ({"wife"}, False)


def unreadable():
    raise MemoryDamaged("It cannot be read.")


async def test_that_the_vectors_follow_again_is_said(follower):
    await follower.keep("bike", "my bike code is 4512")
    assert follower.recovered == 0
    for count in (1, 2):
        follower.server.trouble = ConnectionError()
        assert await follower.found("bicycle") is None
        follower.server.trouble = None
        await follower.after(600)
        assert (len(follower.told), follower.recovered) == (count, count)


async def test_a_folder_that_another_process_let_go_of_is_followed(remembering, tmp_path):
    held = await asyncio.to_thread(open_chroma, tmp_path / "memory" / "vectors")
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.tell("my wife is Eva")
        assert "Another Sotto" in (await person.bench.next(ServiceDegraded, timeout=60)).reason
        assert await person.ask("bicycle combination") == []
        await asyncio.to_thread(held.close)
        person.clock.advance(30 * SECOND)
        assert (await person.ask("bicycle combination"))[0] == "my bike code is 4512"
        states = [type(event) for event in person.bench.log if isinstance(event, ServiceDegraded | ServiceReady)]
        assert states[-2:] == [ServiceDegraded, ServiceReady]
        assert states.count(ServiceDegraded) == 1


async def test_a_vector_that_was_forgotten_while_the_folder_was_held_is_in_no_file_later(remembering, tmp_path):
    """Nor was Sotto running when it could have been opened again."""
    folder = tmp_path / "memory" / "vectors"
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        assert await person.ask("bicycle combination")
    bike = vector("my bike code is 4512").tobytes()
    assert bike in raw(folder)
    held = await asyncio.to_thread(open_chroma, folder)
    async with remembering() as person:
        receipt = (await person.erase("about", text="bike code")).removed
        assert "could not be opened" in next(line.detail for line in receipt if line.store == "vectors")
    await asyncio.to_thread(held.close)
    async with remembering() as person:
        assert await person.ask("bicycle combination") == []
    assert bike not in raw(folder)
