"""Indexing: the vectors follow the store by its outbox, in the background, and are made again where they do not fit.

At opening, ids are compared with the store: what a crash left out is put, what it left behind is dropped. Vectors that
fail are opened anew after a pause, and meanwhile nothing is found by meaning.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.memory.errors import MemoryDamaged, MemoryFull, VectorsUnusable
from services.memory.pauses import Pauses
from services.memory.store import Pending, Store
from services.memory.vectors import Matrix, Near, Vectors
from services.memory.worker import Worker
from shared.errors import SottoError
from shared.logs import get_logger

__all__ = ["Embedded", "Indexing"]

_BATCH = 64
_RETRY_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 600.0
_LOOK_S = 30.0
"""How often the outbox is looked at unasked: the command line may have written to it."""
_LEISURE_S = 3.0
"""Opening costs the processor a second or two: not while the assistant starts, and never for a single question."""
_AT_ONCE = 5000
"""Vectors that are written anew while the person waits for the receipt; some seconds."""
_log = get_logger("memory")


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of some texts, one a row."""

    rows: Matrix
    fingerprint: str
    knows_meaning: bool
    """False for vectors of letters alone."""


Embed = Callable[[tuple[str, ...]], Awaitable[Embedded | None]]
"""The vectors of passages; None when there are none to be had now."""


class Indexing:
    """`store` is used in `writing`, the vectors in a thread of their own.

    `opener` opens them, blocking, when they are first needed, and again after they failed: not before 30 s have gone by
    on `monotonic`, then twice as long each time, up to 10 minutes. `owe` notes, blocking, that they are to be purged,
    whether they can be opened or not. `troubled` is told in words why there are none, once for each kind of failure,
    and `recovered` is called when they followed after that.
    """

    def __init__(
        self,
        store: Store,
        writing: Worker,
        *,
        opener: Callable[[], Vectors],
        owe: Callable[[], None],
        embed: Embed,
        now: Callable[[], int],
        monotonic: Callable[[], int],
        troubled: Callable[[str], None],
        recovered: Callable[[], None],
    ) -> None:
        self._store = store
        self._writing = writing
        self._opener, self._owe = opener, owe
        self._embed = embed
        self._now = now
        self._troubled, self._recovered = troubled, recovered
        self._thread = Worker("memory-vectors")
        self._vectors: Vectors | None = None
        self._fingerprint = ""
        self._wanted = asyncio.Event()
        self._urgent = asyncio.Event()
        self._asked = 0
        self._followed = 0
        self._changed = asyncio.Condition()
        self._busy = asyncio.Lock()
        """Held while items become vectors, and while they are forgotten."""
        self._renew = ""
        """The model that speaks now, where it is not that of the vectors."""
        self._failed = False
        """The vectors that were opened last are not to be used any more."""
        self._pauses = Pauses(monotonic, first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S)
        self._told = set[tuple[type[BaseException], type[BaseException | None]]]()
        self._reconciled = False
        self._opening = False
        self._closed = False

    def wake(self) -> None:
        """There is something to do: follow the outbox, once the vectors were opened at leisure."""
        self._wanted.set()

    async def run(self) -> None:
        """Follow for ever."""
        await self._wanted.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEISURE_S):
                await self._urgent.wait()
        pause: float | None = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wanted.wait()
            self._wanted.clear()
            seen = self._asked
            pause = _LOOK_S if await self._attempt() else _RETRY_S
            async with self._changed:
                self._followed = seen
                self._changed.notify_all()

    async def settled(self) -> None:
        """Wait until the vectors have followed as far as they can."""
        self._asked = target = self._asked + 1
        self._urgent.set()
        self.wake()
        async with self._changed:
            await self._changed.wait_for(lambda: self._followed >= target)

    async def nearest(self, embedded: Embedded, limit: int) -> list[Near] | None:
        """Return the nearest items, the best first; None when the index is not there or holds other vectors."""
        if self._vectors is None or self._failed:
            return None
        if embedded.fingerprint != self._fingerprint:
            self._renew = embedded.fingerprint
            self.wake()
            return None
        try:
            return await self._thread.do(self._vectors.nearest, embedded.rows[0], limit)
        except VectorsUnusable as error:
            self._fail(error)
            return None

    async def forget(self, delete: Callable[[], Awaitable[Sequence[str]]]) -> tuple[int, str]:
        """Run `delete`, which returns the ids it deleted from the store, and drop their vectors from the files.

        Returns how many, and why they may still be there, for a person ("" when they are not).
        """
        async with self._busy:
            ids = await delete()
            if not ids:
                return 0, ""
            try:
                await self._thread.do(self._owe)
                await self._open(at_once=True)
                if self._vectors is None or self._failed:
                    return 0, "the vectors could not be opened; they are dropped when they can be"
                with self._saying():
                    await self._reconcile()
                await self._thread.do(self._vectors.drop, ids)
                await self._strike(ids)
                if not self._reconciled or len(await self._thread.do(self._vectors.ids)) > _AT_ONCE:
                    self.wake()
                    return len(ids), "their files are being written anew, which takes a while"
                await self._thread.do(self._vectors.purge)
            except VectorsUnusable as error:
                self._fail(error)
                return 0, str(error)
            return len(ids), ""

    async def close(self) -> None:
        """Let go of the index. One that is just being opened is not waited for: it is closed when it is open."""
        self._closed = True
        if self._opening:
            self._thread.leave()
            return
        await self._thread.close(lambda: self._vectors.close() if self._vectors is not None else None)

    # ---- inside

    async def _open(self, *, at_once: bool = False) -> None:
        """Open the vectors where they are not open, or failed; unless `at_once`, only when the pause is over."""
        if (self._vectors is not None and not self._failed) or not (at_once or self._pauses.over):
            return
        try:
            self._opening = True
            await self._thread.do(self._opened)
        except VectorsUnusable as error:
            self._opening = self._failed = False
            self._fail(error)

    def _opened(self) -> None:
        """Open the vectors; in their thread, so that whatever was opened is closed."""
        if self._vectors is not None:
            with contextlib.suppress(VectorsUnusable):
                self._vectors.close()
            self._vectors = None
        vectors = self._opener()
        self._opening = False
        self._vectors = vectors
        self._fingerprint = vectors.fingerprint
        self._failed = self._reconciled = False
        if self._closed:
            vectors.close()

    async def _reconcile(self) -> None:
        """Once after each opening: drop what the store holds no more, and have the rest put."""
        if self._reconciled or self._vectors is None:
            return
        there = await self._thread.do(self._vectors.ids)
        live = await self._writing.do(self._store.live_ids)
        if there - live:
            await self._thread.do(self._vectors.drop, sorted(there - live))
        if live - there:
            await self._writing.do(self._store.enqueue, sorted(live - there))
        self._reconciled = True

    async def _attempt(self) -> bool:
        """Follow as far as the store can be read and written; False when it must be tried again."""
        try:
            return await self._follow()
        except (MemoryDamaged, MemoryFull) as error:
            self._say(error)
            return False

    async def _follow(self) -> bool:
        """Empty the outbox; False when it must be tried again."""
        async with self._busy:
            await self._open()
            await self._catch_up()
        while True:
            async with self._busy:
                lines = await self._writing.do(self._store.pending, _BATCH)
                if self._vectors is None or self._failed:
                    return True
                if not lines:
                    self._succeed()
                    return True
                try:
                    if not await self._step(lines):
                        return False
                except VectorsUnusable as error:
                    self._fail(error)
                    return True

    async def _step(self, lines: list[Pending]) -> bool:
        assert self._vectors is not None
        last = {line.item: line.does for line in lines}
        items = await self._writing.do(
            self._store.get, [id_ for id_, does in last.items() if does == "put"], self._now()
        )
        gone = [id_ for id_ in last if id_ not in items]
        if gone:
            await self._thread.do(self._vectors.drop, gone)
        if items:
            embedded = await self._embed(tuple(item.text for item in items.values()))
            if embedded is None:
                return False
            if embedded.fingerprint != self._fingerprint:
                await self._begin(embedded.fingerprint)
                return True
            await self._thread.do(self._vectors.put, list(items), embedded.rows)
        await self._writing.do(self._store.done, lines)
        return True

    async def _begin(self, fingerprint: str) -> None:
        """Another model speaks: make every vector again."""
        assert self._vectors is not None
        _log.info("vectors are made again", fingerprint=fingerprint)
        self._fingerprint = ""
        await self._thread.do(self._vectors.begin, fingerprint)
        ids = await self._writing.do(self._store.live_ids)
        await self._writing.do(self._store.enqueue, sorted(ids))
        self._fingerprint = fingerprint

    async def _catch_up(self) -> None:
        """Do what was put off; what cannot be done stays so."""
        if self._vectors is None or self._failed:
            return
        try:
            await self._reconcile()
            await self._thread.do(_purge_owed, self._vectors)
            if self._renew and self._renew != self._fingerprint:
                await self._begin(self._renew)
            self._renew = ""
        except VectorsUnusable as error:
            self._fail(error)

    async def _strike(self, ids: Sequence[str]) -> None:
        """The outbox names what was deleted just now: that is done."""
        gone = set(ids)
        with self._saying():  # then it is done once more
            lines = await self._writing.do(self._store.pending, -1)
            await self._writing.do(self._store.done, [line for line in lines if line.item in gone])

    @contextlib.contextmanager
    def _saying(self) -> Iterator[None]:
        """What the store refuses is said, and left for later."""
        try:
            yield
        except (MemoryDamaged, MemoryFull) as error:
            self._say(error)

    def _fail(self, error: VectorsUnusable) -> None:
        """Use the vectors no more until they are opened anew."""
        if not self._failed:
            self._failed = True
            self._pauses.failed()
        self._say(error)

    def _succeed(self) -> None:
        self._pauses.succeeded()
        if self._told:
            self._told.clear()
            self._recovered()

    def _say(self, error: SottoError) -> None:
        """Once for each kind: what fails again may say it in other words."""
        kind = (type(error), type(error.__cause__))
        if kind not in self._told:
            self._told.add(kind)
            self._troubled(str(error))
            _log.warning("the vectors do not follow", reason=str(error))


def _purge_owed(vectors: Vectors) -> None:
    if vectors.owed:
        vectors.purge()


def rows_of(data: bytes, count: int) -> Matrix:
    """The vectors of an `embed.result`."""
    return np.frombuffer(data, dtype="<f4").reshape(count, -1)
