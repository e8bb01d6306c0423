"""Redis Streams: one log that every process of an assistant appends to and reads, at least once, in one order.

Sending never waits: what gathers during a round trip leaves in the next one. Each process reads as a consumer group of
its own and an entry is forgotten only when every living process has settled it, so one that was killed and starts again
under its name gets what it had in hand. While Redis is away, what is to be sent waits here, and leaves in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from bus.transport.parcel import Node, Parcel
from shared.errors import SottoError

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["BusUnfit", "BusUnreachable", "NameTaken", "RedisTransport"]

_OLDEST = (6, 2)
_BATCH = 128
_READ = 256
_BLOCK_MS = 1000
_PATIENCE_S = (0.05, 2.0)
"""The first and the longest rest between two attempts to reach Redis."""
_FORGOTTEN_S = 3600
"""A process that was silent for so long no longer keeps the log from being trimmed."""

_log = structlog.get_logger("link")


class BusUnreachable(SottoError):
    """Redis cannot be reached or does not let us in."""


class BusUnfit(SottoError):
    """What answers is not a Redis that keeps what it is given."""


class NameTaken(SottoError):
    """A process of this name is there already."""


class RedisTransport:
    """See the module. `waiting` bounds what waits to be sent, `alive_s` is how long a silent process counts as there.

    `url` is redis://, rediss:// (TLS) or unix://, with user and password if needed; they are never shown.
    """

    def __init__(
        self, url: str, name: str, *, prefix: str = "sotto", waiting: int = 20_000, alive_s: float = 3.0
    ) -> None:
        self.name = name
        self.place = _shown(url)
        """The URL without user and password."""
        self.dropped = 0
        """Parcels that found no room while Redis was away."""
        self._log, self._nodes, self._group = f"{prefix}:events", f"{prefix}:nodes", f"node:{name}"
        self._redis = _client(url, self.place)
        self._outbox: deque[Parcel] = deque()
        self._waiting = waiting
        self._alive_ms = int(alive_s * 1000)
        self._wake = asyncio.Event()
        self._settled: list[bytes] = []
        self._sent = asyncio.Event()

    async def open(self) -> None:
        """Look whether this Redis will do, and take our place in the log. Raises BusUnreachable, BusUnfit."""
        from redis import exceptions

        try:
            await self._examine()
            await self._join()
        except (exceptions.RedisError, OSError) as error:
            raise self._unreachable(error) from error

    async def close(self) -> None:
        """Leave the connections."""
        await self._redis.aclose()

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
        batch, settled = tuple(itertools.islice(self._outbox, _BATCH)), tuple(self._settled)
        async with self._redis.pipeline(transaction=False) as pipe:
            for parcel in batch:
                pipe.xadd(self._log, _fields(parcel, self.name))
            if settled:
                pipe.xack(self._log, self._group, *settled)
            await pipe.execute()
        for _ in batch:
            self._outbox.popleft()
        del self._settled[: len(settled)]

    def _made_room(self) -> bool:
        for parcel in self._outbox:
            if parcel.fleeting:
                self._outbox.remove(parcel)
                return True
        return False

    # ---- receiving

    async def receive(self) -> AsyncIterator[Parcel]:
        """Yield what others sent to this process: first what an earlier life of it left unsettled. Until cancelled."""
        since = "0"
        while True:
            entries = await self._persevere(lambda start=since: self._read(start))
            if since != ">" and not entries:
                since = ">"
            elif since != ">":
                since = entries[-1][0].decode()
            for entry, fields in entries:
                parcel = _parcel(entry, fields)
                if parcel is None or parcel.origin == self.name or self.name not in parcel.to:
                    self.settle(entry)
                else:
                    yield parcel

    def settle(self, entry: bytes) -> None:
        """What stood there is done with: it is not delivered again."""
        self._settled.append(entry)
        self._wake.set()

    async def _read(self, since: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        found = await self._redis.xreadgroup(
            self._group, "reader", {self._log: since}, count=_READ, block=_BLOCK_MS if since == ">" else None
        )
        return _entries(found)

    # ---- who is there

    async def announce(self, node: Node) -> Mapping[str, Node]:
        """Say that this process is there, and return all that are, this one included.

        Raises NameTaken when another living process goes by our name.
        """
        from redis import exceptions

        try:
            nodes = await self._announce(node)
            _heed_cancellation()
            return nodes
        except (exceptions.RedisError, OSError) as error:
            raise BusUnreachable(f"Redis at {self.place} went away: {error}.", remedy="Start it again.") from error

    async def _announce(self, node: Node) -> Mapping[str, Node]:
        now, known = await self._time(), await self._known()
        there = known.get(node.name)
        if there is not None and there[1].token != node.token and now - there[0] < self._alive_ms:
            raise NameTaken(
                f"A process named {node.name} is on the bus already.", remedy="Give this one another --name."
            )
        await self._redis.hset(self._nodes, node.name, f"{now} {node.model_dump_json()}")
        others = {name: other for name, (beat, other) in known.items() if now - beat < self._alive_ms}
        return others | {node.name: node}

    async def living(self) -> Mapping[str, Node]:
        """Return the processes that live, without being one. Raises BusUnreachable and BusUnfit."""
        from redis import exceptions

        try:
            await self._examine()
            now, known = await self._time(), await self._known()
        except (exceptions.RedisError, OSError) as error:
            raise self._unreachable(error) from error
        return {name: node for name, (beat, node) in known.items() if now - beat < self._alive_ms}

    async def leave(self, *, for_good: bool = False) -> None:
        """Send what waits and say that this process is gone; its place in the log stays unless it is for good.

        Nothing happens when Redis is away.
        """
        from redis import exceptions

        with contextlib.suppress(exceptions.RedisError, OSError):
            while self._outbox or self._settled:
                await self._send_some()
            await self._redis.hdel(self._nodes, self.name)
            if for_good:
                await self._redis.xgroup_destroy(self._log, self._group)

    async def trim(self) -> None:
        """Forget what every process has settled; one that was silent for an hour does not count."""
        now, known = await self._time(), await self._known()
        _heed_cancellation()
        needed = []
        for group in await self._redis.xinfo_groups(self._log):
            name = _text(group["name"])
            beat = known.get(name.removeprefix("node:"), (0,))[0]
            if now - beat > _FORGOTTEN_S * 1000:
                await self._redis.xgroup_destroy(self._log, name)
                continue
            pending = await self._redis.xpending(self._log, name)
            needed.append(_position(pending["min"] or group["last-delivered-id"]))
        if needed:
            await self._redis.xtrim(self._log, minid="-".join(map(str, min(needed))), approximate=True)

    async def _known(self) -> dict[str, tuple[int, Node]]:
        known = {}
        for name, value in (await self._redis.hgetall(self._nodes)).items():
            beat, _, text = _text(value).partition(" ")
            try:
                known[_text(name)] = (int(beat), Node.model_validate_json(text))
            except ValueError:  # pydantic's ValidationError too
                _log.warning("what a process says of itself cannot be read", process=_text(name))
        return known

    async def _time(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    # ---- the connection

    async def _examine(self) -> None:
        about = await self._redis.info("server")
        version = tuple(int(part) for part in str(about["redis_version"]).split(".")[:2])
        if version < _OLDEST:
            raise BusUnfit(
                f"Redis {about['redis_version']} at {self.place} is too old.", remedy="The bus needs 6.2 or newer."
            )
        if about.get("redis_mode") == "cluster":
            raise BusUnfit(
                f"{self.place} is a Redis cluster.", remedy="The bus needs a single Redis (or its Sentinel's master)."
            )
        memory = await self._redis.info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if int(memory.get("maxmemory", 0)) and policy != "noeviction":
            raise BusUnfit(
                f"Redis at {self.place} throws keys away when it is full (maxmemory-policy {policy}).",
                remedy="Events would be lost: type CONFIG SET maxmemory-policy noeviction there.",
            )
        if _text(await self._redis.type(self._log)) not in ("none", "stream"):
            raise BusUnfit(
                f"The key {self._log} at {self.place} belongs to another program.",
                remedy="Choose another bus.prefix.",
            )

    def _unreachable(self, error: Exception) -> BusUnreachable:
        from redis import exceptions

        if isinstance(error, exceptions.NoPermissionError):
            return BusUnreachable(
                f"Redis at {self.place} forbids what the bus needs: {error}.",
                remedy="Give its user the stream, hash and connection commands on the keys of the bus (ACL SETUSER).",
            )
        if "password" in str(error) or "Authentication" in str(error):
            return BusUnreachable(
                f"Redis at {self.place} refuses the user or password: {error}", remedy="Mend them in the bus's URL."
            )
        return BusUnreachable(
            f"Redis at {self.place} cannot be reached: {error}", remedy="Start it, or mend the bus's URL."
        )

    async def _join(self) -> None:
        from redis import exceptions

        try:
            await self._redis.xgroup_create(self._log, self._group, id="$", mkstream=True)
        except exceptions.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _persevere(self, attempt: Any) -> Any:
        """Do it as soon as Redis lets us; a Redis that lost its memory gets our place in the log again."""
        from redis import exceptions

        rest, longest = _PATIENCE_S
        away = False
        while True:
            try:
                done = await attempt()
            except exceptions.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise BusUnfit(f"Redis at {self.place} refuses: {error}.", remedy="See its log.") from error
                await self._persevere(self._join)
            except (exceptions.RedisError, OSError) as error:
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


def _client(url: str, place: str) -> Redis:
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise BusUnreachable("The package redis is not installed.", remedy="Type `scripts/setup server`.") from error
    try:
        # Its driver's name and version, which it would look up on disk at every connection, are not told.
        return Redis.from_url(
            url, socket_connect_timeout=2.0, socket_timeout=_BLOCK_MS / 1000 + 2, protocol=2, driver_info=None
        )
    except ValueError as error:
        raise BusUnreachable(
            f"{place} is no URL of a Redis: {error}.", remedy="Write redis://HOST:6379, rediss:// or unix:///PATH."
        ) from error


def _shown(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _fields(parcel: Parcel, origin: str) -> dict[Any, Any]:
    fields: dict[str, bytes | str] = {"o": origin, "to": "\n".join(parcel.to)}
    if parcel.fence is not None:
        session, turn = parcel.fence
        return fields | {"f": f"{turn} {session}"}
    return fields | {"h": parcel.header} | ({"p": parcel.payload} if parcel.payload else {})


def _parcel(entry: bytes, fields: Mapping[bytes, bytes]) -> Parcel | None:
    """None for what was deleted from under us, or is not ours."""
    if b"o" not in fields or not (b"h" in fields or b"f" in fields):
        return None
    turn, _, session = fields.get(b"f", b"").decode().partition(" ")
    return Parcel(
        header=fields.get(b"h", b""),
        payload=fields.get(b"p", b""),
        to=tuple(fields.get(b"to", b"").decode().split("\n")),
        origin=fields[b"o"].decode(),
        fence=(session, int(turn)) if turn.isdigit() else None,
        entry=entry,
    )


def _entries(found: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    streams = found.values() if isinstance(found, dict) else [entries for _, entries in found or ()]
    return [(entry, fields or {}) for entries in streams for entry, fields in entries]


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _position(entry: bytes | str) -> tuple[int, int]:
    milliseconds, _, number = _text(entry).partition("-")
    return int(milliseconds), int(number or 0)
