"""Redis Streams: a log for each process that others append to and it alone reads, at least once, in one order.

Sending never waits: what gathers during a round trip leaves in the next one, together with what was settled meanwhile.
An entry stays in its log until it is settled, so a process that was killed and starts again under its name gets what it
had in hand. While Redis is away, what is to be sent waits here, and leaves in order; when another Redis is there
afterwards, or the same one started again, what was sent last goes before it once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from bus.transport.errors import BusUnfit
from bus.transport.inbox import Entry, Inbox
from bus.transport.letters import Letter, Letters
from bus.transport.line import Line
from bus.transport.packing import parcel_of, strings_of
from bus.transport.parcel import Node, Parcel
from bus.transport.place import BLOCK_MS, close_place, examine, failures, open_place, refusal, shown, text, waits
from bus.transport.presence import Presence, heed_cancellation
from bus.transport.recent import Recent
from bus.transport.scripts import SEND
from shared.logs import get_logger

__all__ = ["Batch", "RedisTransport"]

T = TypeVar("T")
Batch = tuple[list[Parcel], bool]
"""What came, and whether that is all for now."""

_BATCH = 256
_BATCH_BYTES = 4 << 20
_SETTLED = 1024
_READ = 512
_ANSWER_S = BLOCK_MS / 1000 + 2
"""How long Redis may take to answer."""
_PATIENCE_S = (0.05, 2.0)
"""The first and the longest rest between two attempts to reach Redis."""
_WARY = 2
"""When so many lives of a process ended over an entry, what they had in hand is tried one by one."""

_log = get_logger("link")


class RedisTransport:
    """See the module. `waiting` bounds what waits to be sent, `alive_s` is how long a silent process counts as there.

    `url` is redis://, rediss:// (TLS), unix:// or sentinel://, with user and password if needed; they are never shown.
    """

    def __init__(
        self, url: str, name: str, *, prefix: str = "sotto", waiting: int = 20_000, alive_s: float = 3.0
    ) -> None:
        self.name = name
        self.place = shown(url)
        """The URL without user and password."""
        self.alive_s = alive_s
        self.fresh = True
        """Nothing was received yet."""
        self.dropped = 0
        """Parcels that found no room while Redis was away."""
        self._logs = f"{prefix}:to:"
        self._log, self._tries = f"{self._logs}{name}", f"{prefix}:tries:{name}"
        client = open_place(url)
        self._redis: Any = client  # its annotations are those of a client that blocks, too
        self.letters = Letters(client, prefix)
        self.presence = Presence(client, name, prefix=prefix, place=self.place, alive_s=alive_s)
        self._line = Line(client, _ANSWER_S)
        self._inbox = Inbox(client, Line(client, _ANSWER_S), self._log, _READ)
        self._sender = name
        self._outbox: deque[Parcel] = deque()
        self._recent = Recent()
        self._unsure = True
        """The server may be another one than it was."""
        self._waiting = waiting
        self._wake = asyncio.Event()
        self._settled: list[bytes] = []
        self._holding: set[bytes] = set()
        """Entries that were handed out and are not settled."""
        self._released = asyncio.Event()
        self._sent = asyncio.Event()
        self._torn = False

    async def open(self, life: str = "") -> None:
        """Look whether this Redis will do, and take our place in it. `life` tells this start from others of this name.

        Raises BusUnreachable, BusUnfit.
        """
        self._sender = f"{self.name} {life}"
        try:
            await examine(self._redis, self.place, self._log)
            await self._inbox.join()
        except failures() as error:
            raise refusal(error, self.place) from error

    async def close(self) -> None:
        """Leave the connections."""
        await close_place(self._redis)

    # ---- sending

    def send(self, parcel: Parcel) -> None:
        """Queue a parcel; never waits. When too much waits, sound goes first, then the newest, counted in `dropped`."""
        if len(self._outbox) >= self._waiting and not self._made_room():
            self.dropped += 1
            return
        self._outbox.append(parcel)
        self._sent.clear()
        self._wake.set()

    @property
    def unsent(self) -> int:
        """Parcels that wait for Redis."""
        return len(self._outbox)

    @property
    def unsettled(self) -> int:
        """Entries that are done with and that Redis does not know of yet."""
        return len(self._settled)

    @property
    def held(self) -> int:
        """Entries that came and are not done with."""
        return len(self._holding)

    async def idle(self) -> None:
        """Wait until everything that came is settled, and Redis knows it."""
        while self._holding or self._outbox:
            self._sent.clear()
            await self._sent.wait()

    async def flushed(self) -> None:
        """Wait until nothing waits to be sent."""
        while self._outbox:
            await self._sent.wait()

    async def keep_sending(self) -> None:
        """Send what is queued, in order, until cancelled; what fails is sent again when Redis is back."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox or self._settled or self._unsure:
                await self._persevere(self._send_some)
            self._sent.set()

    async def _send_some(self) -> None:
        if self._unsure or self._line.broken:
            await self._remind()
        batch, settled = self._next_batch(), self._settled[:_SETTLED]
        sent: list[str | bytes | int] = []
        for parcel in batch:
            strings = strings_of(parcel)
            for to in parcel.to:
                sent += (to, len(strings), *strings)
        await self._line.ask("EVAL", SEND, 1, self._log, self._logs, self._sender, len(settled), *settled, *sent)
        for _ in batch:
            self._outbox.popleft()
        self._recent.sent(batch)
        del self._settled[: len(settled)]
        self._holding.difference_update(settled)

    async def _remind(self) -> None:
        """Queue what this server may have forgotten before all else."""
        self._unsure = True
        about = text(await self._line.ask("INFO", "server"))
        self._outbox.extendleft(reversed(self._recent.forgotten(about.partition("run_id:")[2].partition("\r")[0])))
        self._unsure = False

    def _next_batch(self) -> list[Parcel]:
        batch: list[Parcel] = []
        size = 0
        for parcel in itertools.islice(self._outbox, _BATCH):
            size += len(parcel.payload) * len(parcel.to)
            if batch and size > _BATCH_BYTES:
                break
            batch.append(parcel)
        return batch

    def _made_room(self) -> bool:
        for parcel in self._outbox:
            if parcel.fleeting:
                self._outbox.remove(parcel)
                return True
        return False

    # ---- receiving

    async def receive(self) -> AsyncIterator[Batch]:
        """Yield what others sent to this process: first what an earlier life of it left unsettled. Until cancelled."""
        self.fresh = False
        async for batch in self._left_behind():
            yield batch
        entries = await self._persevere(self._inbox.take, broken=self._tear)
        yield self._parcels(entries), len(entries) < _READ
        while True:
            if self._torn:  # what was on its way when the connection broke is ours, and is not told again by itself
                self._torn = False
                async for page in self._undone():
                    yield self._parcels(page), False
            entries = await self._persevere(self._inbox.wait, broken=self._tear)
            self._recent.answered()
            yield self._parcels(entries), len(entries) < _READ
            if len(entries) < _READ:
                await asyncio.sleep(0)  # what came is handled before anything else is done

    def settle(self, entry: bytes) -> None:
        """What stood there is done with: it is not delivered again."""
        self._settled.append(entry)
        self._released.set()
        self._wake.set()

    def _tear(self) -> None:
        self._torn = self._unsure = True
        self._wake.set()

    async def _left_behind(self) -> AsyncIterator[Batch]:
        """What an earlier life had in hand; when that ended several lives, one by one."""
        left = [entry async for page in self._undone() for entry in page]
        if not left:
            await self._persevere(partial(self._redis.delete, self._tries))
            return
        before = await self._persevere(partial(self._redis.hgetall, self._tries))
        if max(map(int, before.values()), default=0) < _WARY:
            yield self._parcels(left, await self._persevere(partial(self._count, left))), False
            return
        for entry in left:
            for parcel in self._parcels([entry], await self._persevere(partial(self._count, [entry]))):
                yield [parcel], True
                while parcel.entry in self._holding and parcel.entry not in self._settled:
                    self._released.clear()
                    await self._released.wait()

    async def _undone(self) -> AsyncIterator[list[Entry]]:
        """What was read of our log and is not settled, page by page."""
        await self._persevere(self._inbox.join)
        since, until = "-", await self._persevere(self._inbox.until)
        while page := await self._persevere(partial(self._inbox.again, since, until)):
            yield page
            since = "(" + text(page[-1][0])

    async def _count(self, entries: list[Entry]) -> dict[bytes, int]:
        """How many lives have ended over each, this one's not known yet."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry, _ in entries:
                pipe.hincrby(self._tries, text(entry), 1)
            return dict(zip((entry for entry, _ in entries), await pipe.execute(), strict=True))

    def _parcels(self, entries: list[Entry], tries: Mapping[bytes, int] | None = None) -> list[Parcel]:
        parcels = []
        for entry, fields in entries:
            if entry in self._holding:
                continue
            parcel = parcel_of(entry, fields, tries.get(entry, 0) if tries else 0)
            self._holding.add(entry)
            if parcel is None:
                _log.warning("an entry that is not ours was left out", log=self._log, entry=text(entry))
                self.settle(entry)
            else:
                parcels.append(parcel)
        return parcels

    # ---- who is there

    async def living(self) -> Mapping[str, Node]:
        """Return the processes that live, without being one. Raises BusUnreachable and BusUnfit."""
        try:
            await examine(self._redis, self.place, self._log)
            return await self.presence.living()
        except failures() as error:
            raise refusal(error, self.place) from error

    async def leave(self, *, for_good: bool = False) -> None:
        """Send what waits and say that this process is gone; its log stays unless it is for good.

        Nothing happens when Redis is away, or when another process has our name: what stands there is that one's.
        """
        if not self.presence.named:
            return
        with contextlib.suppress(*failures()):
            while self._outbox or self._settled:
                await self._send_some()
            await self.presence.leave()
            if for_good:
                await self._redis.delete(self._log, self._tries)

    # ---- the connection

    async def bury(self, letter: Letter) -> None:
        """Keep an event that is given up among the dead."""
        await self._persevere(lambda: self.letters.put(letter))

    async def _persevere(self, attempt: Callable[[], Awaitable[T]], broken: Callable[[], object] = bool) -> T:
        """Do it as soon as Redis lets us; a Redis that lost its memory gets our log again. `broken` hears of a loss."""
        rest, longest = _PATIENCE_S
        away = False
        while True:
            try:
                done = await attempt()
            except failures() as error:
                if "NOGROUP" in str(error):
                    await self._persevere(self._inbox.join)
                    continue
                if not waits(error):
                    raise BusUnfit(f"Redis at {self.place} refuses: {error}.", remedy="See its log.") from error
                broken()
                if not away:
                    _log.warning("redis is away; what is to be sent waits", place=self.place, error=str(error))
                away = True
                await asyncio.sleep(rest)
                rest = min(2 * rest, longest)
            else:
                if away:
                    _log.warning("redis is back", place=self.place)
                heed_cancellation()
                return done
