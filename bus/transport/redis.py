"""Redis Streams: a log for each process that others append to and it alone reads, at least once, in one order.

Sending never waits: what gathers during a round trip leaves in the next one, together with what was settled meanwhile.
An entry stays in its log until it is settled, so a process that was killed and starts again under its name gets what it
had in hand. While Redis is away, what is to be sent waits here, and leaves in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import structlog

from bus.transport.errors import BusUnfit, BusUnreachable, NameTaken, SessionTaken
from bus.transport.letters import Letter, Letters
from bus.transport.packing import Packing, parcel_of
from bus.transport.parcel import Node, Parcel
from bus.transport.place import BLOCK_MS, close_place, examine, open_place, refusal, shown, text, waits
from bus.transport.scripts import ANNOUNCE, SEND

__all__ = ["Batch", "RedisTransport"]

T = TypeVar("T")
Batch = tuple[list[Parcel], bool]
"""What came, and whether that is all for now."""

_BATCH = 256
_BATCH_BYTES = 4 << 20
_SETTLED = 1024
_READ = 512
_PATIENCE_S = (0.05, 2.0)
"""The first and the longest rest between two attempts to reach Redis."""
_FORGOTTEN_MS = 3_600_000
"""The log of a process that was silent for so long is removed."""
_WARY = 2
"""When so many lives of a process ended over an entry, what they had in hand is tried one by one."""

_log = structlog.get_logger("link")


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
        self.soonest_s = alive_s
        """Until the first of the others is taken for dead, unless it says that it lives."""
        self._logs, self._nodes = f"{prefix}:to:", f"{prefix}:nodes"
        self._log, self._tries = f"{self._logs}{name}", f"{prefix}:tries:{name}"
        client = open_place(url)
        client.response_callbacks.pop("XREADGROUP", None)  # its lists are read as they come
        self._redis: Any = client  # its annotations are those of a client that blocks, too
        self.letters = Letters(client, prefix)
        self._packing = Packing(name, "")
        self._outbox: deque[Parcel] = deque()
        self._waiting = waiting
        self._alive_ms = int(alive_s * 1000)
        self._wake = asyncio.Event()
        self._settled: list[bytes] = []
        self._holding: set[bytes] = set()
        """Entries that were handed out and are not settled."""
        self._released = asyncio.Event()
        self._sent = asyncio.Event()
        self._torn = self._named = False

    async def open(self, life: str = "") -> None:
        """Look whether this Redis will do, and take our place in it. `life` tells this start from others of this name.

        Raises BusUnreachable, BusUnfit.
        """
        from redis import exceptions

        self._packing = Packing(self.name, life)
        try:
            await examine(self._redis, self.place, self._log)
            await self._join()
        except (exceptions.RedisError, OSError) as error:
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
            while self._outbox or self._settled:
                await self._persevere(self._send_some)
            self._sent.set()

    async def _send_some(self) -> None:
        batch, settled = self._next_batch(), self._settled[:_SETTLED]
        blob = b"".join([self._packing.packed(parcel) for parcel in batch])
        await self._redis.eval(SEND, 1, self._log, self._logs, blob, b" ".join(settled))
        for _ in batch:
            self._outbox.popleft()
        del self._settled[: len(settled)]
        self._holding.difference_update(settled)

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
        entries = await self._persevere(lambda: self._read(">"), broken=self._tear)
        yield self._parcels(entries), len(entries) < _READ
        while True:
            if self._torn:  # what was on its way when the connection broke is ours, and is not told again by itself
                self._torn = False
                async for batch in self._missed():
                    yield batch
            entries = await self._persevere(lambda: self._read(">", BLOCK_MS), broken=self._tear)
            yield self._parcels(entries), len(entries) < _READ

    def settle(self, entry: bytes) -> None:
        """What stood there is done with: it is not delivered again."""
        self._settled.append(entry)
        self._released.set()
        self._wake.set()

    def _tear(self) -> None:
        self._torn = True

    async def _left_behind(self) -> AsyncIterator[Batch]:
        """What an earlier life had in hand; when that ended several lives, one by one."""
        left = [entry async for page in self._pending() for entry in page]
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

    async def _missed(self) -> AsyncIterator[Batch]:
        async for page in self._pending():
            new = [(entry, fields) for entry, fields in page if entry not in self._holding]
            yield self._parcels(new), False

    async def _pending(self) -> AsyncIterator[list[tuple[bytes, list[bytes] | None]]]:
        since = "0"
        while page := await self._persevere(partial(self._read, since)):
            yield page
            since = text(page[-1][0])

    async def _count(self, entries: list[tuple[bytes, Any]]) -> dict[bytes, int]:
        """How many lives have ended over each, this one's not known yet."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry, _ in entries:
                pipe.hincrby(self._tries, text(entry), 1)
            return dict(zip((entry for entry, _ in entries), await pipe.execute(), strict=True))

    async def _read(self, since: str, block: int | None = None) -> list[tuple[bytes, list[bytes] | None]]:
        found: Any = await self._redis.xreadgroup("g", "reader", {self._log: since}, count=_READ, block=block)
        return [(entry, fields) for entry, fields in found[0][1]] if found else []

    def _parcels(self, entries: list[tuple[bytes, Any]], tries: Mapping[bytes, int] | None = None) -> list[Parcel]:
        parcels = []
        for entry, fields in entries:
            parcel = parcel_of(entry, fields, tries.get(entry, 0) if tries else 0)
            self._holding.add(entry)
            if parcel is None:
                _log.warning("an entry that is not ours was left out", log=self._log, entry=text(entry))
                self.settle(entry)
            else:
                parcels.append(parcel)
        return parcels

    # ---- who is there

    async def announce(self, node: Node, *, anew: bool = False) -> Mapping[str, Node]:
        """Say that this process is there, and return all that are, this one included.

        Raises NameTaken when another living process goes by our name; when we come `anew` (first, or after a silence)
        SessionTaken when another one holds a conversation of ours meanwhile.
        """
        from redis import exceptions

        try:
            nodes = await self._announce(node)
            _heed_cancellation()
            if anew:
                await self._require_own(node, nodes)
        except (exceptions.RedisError, OSError) as error:
            raise BusUnreachable(f"Redis at {self.place} went away: {error}.", remedy="Start it again.") from error
        return nodes

    async def _announce(self, node: Node, overlook: str = "") -> Mapping[str, Node]:
        own = node.model_dump_json()
        found: Any = await self._redis.eval(
            ANNOUNCE, 1, self._nodes, node.name, node.token, own, str(self._alive_ms), overlook
        )
        self._named = text(found[0]) != "taken"
        if self._named:
            return self._living(int(found[0]), dict(zip(found[1][::2], found[1][1::2], strict=True)))
        if not overlook and _is_dead(there := text(found[1]), node):
            return await self._announce(node, overlook=there)
        raise NameTaken(f"A process named {node.name} is on the bus already.", remedy="Give this one another --name.")

    async def _require_own(self, node: Node, nodes: Mapping[str, Node]) -> None:
        for other in nodes.values():
            both = set(node.sessions) & set(other.sessions)
            if other.name != node.name and both:
                await self._redis.hdel(self._nodes, node.name)
                raise SessionTaken(
                    f"The process {other.name} holds the conversation {min(both)} already.",
                    remedy="Let one of them go: end that process, or this one.",
                )

    async def living(self) -> Mapping[str, Node]:
        """Return the processes that live, without being one. Raises BusUnreachable and BusUnfit."""
        from redis import exceptions

        try:
            await examine(self._redis, self.place, self._log)
            return self._living(await self._time(), await self._redis.hgetall(self._nodes))
        except (exceptions.RedisError, OSError) as error:
            raise refusal(error, self.place) from error

    async def leave(self, *, for_good: bool = False) -> None:
        """Send what waits and say that this process is gone; its log stays unless it is for good.

        Nothing happens when Redis is away, or when another process has our name: what stands there is that one's.
        """
        from redis import exceptions

        if not self._named:
            return
        with contextlib.suppress(exceptions.RedisError, OSError):
            while self._outbox or self._settled:
                await self._send_some()
            await self._redis.hdel(self._nodes, self.name)
            if for_good:
                await self._redis.delete(self._log, self._tries)

    async def sweep(self) -> None:
        """Remove the logs of processes that were silent for an hour. Raises BusUnreachable."""
        from redis import exceptions

        try:
            await self._sweep()
        except (exceptions.RedisError, OSError) as error:
            raise BusUnreachable(f"Redis at {self.place} went away: {error}.", remedy="Start it again.") from error

    async def _sweep(self) -> None:
        now, known = await self._time(), await self._redis.hgetall(self._nodes)
        beats = {text(name): int(value.partition(b" ")[0]) for name, value in known.items()}
        _heed_cancellation()
        async for key in self._redis.scan_iter(match=f"{self._logs}*", count=100):
            name = text(key).removeprefix(self._logs)
            about = await self._redis.xinfo_stream(key)
            newest = int(text(about["last-generated-id"]).partition("-")[0])
            if name != self.name and now - beats.get(name, newest) > _FORGOTTEN_MS:
                await self._redis.delete(key)
                await self._redis.hdel(self._nodes, name)

    def _living(self, now: int, known: Mapping[bytes, bytes]) -> Mapping[str, Node]:
        living, ages = {}, [0]
        for name, value in known.items():
            beat, token, about = text(value).split(" ", 2)
            age = now - int(beat)
            if age >= self._alive_ms:
                continue
            try:
                living[text(name)] = Node.model_validate_json(about)
            except ValueError:  # pydantic's ValidationError too
                _log.warning("what a process says of itself cannot be read", process=text(name), token=token)
                continue
            if text(name) != self.name:
                ages.append(age)
        self.soonest_s = (self._alive_ms - max(ages)) / 1000
        return living

    async def _time(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    # ---- the connection

    async def bury(self, letter: Letter) -> None:
        """Keep an event that is given up among the dead."""
        await self._persevere(lambda: self.letters.put(letter))

    async def _join(self) -> None:
        from redis import exceptions

        try:
            await self._redis.xgroup_create(self._log, "g", id="0", mkstream=True)
        except exceptions.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _persevere(self, attempt: Callable[[], Awaitable[T]], broken: Callable[[], object] = bool) -> T:
        """Do it as soon as Redis lets us; a Redis that lost its memory gets our log again. `broken` hears of a loss."""
        from redis import exceptions

        rest, longest = _PATIENCE_S
        away = False
        while True:
            try:
                done = await attempt()
            except (exceptions.RedisError, OSError) as error:
                if "NOGROUP" in str(error):
                    await self._persevere(self._join)
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
                _heed_cancellation()
                return done


def _heed_cancellation() -> None:
    """The client waits with asyncio.wait_for, which up to Python 3.11 loses a cancellation that meets the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _is_dead(there: str, ours: Node) -> bool:
    """True when who goes by our name ran on this machine, and its process is gone."""
    try:
        other = Node.model_validate_json(there.split(" ", 2)[2])
    except ValueError:
        return False
    if not other.machine or other.machine != ours.machine or other.pid == os.getpid():
        return False
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
