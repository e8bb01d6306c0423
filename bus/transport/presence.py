"""Presence: which processes live on the bus and what each says of itself, in a hash of Redis and by its clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bus.transport.errors import BusUnreachable, NameTaken, SessionTaken, StoreTaken
from bus.transport.parcel import Node
from bus.transport.place import failures, text
from bus.transport.scripts import ANNOUNCE
from shared.logs import get_logger

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Presence", "heed_cancellation"]

_FORGOTTEN_MS = 3_600_000
"""What a process that was silent for so long has left is removed."""

_log = get_logger("link")


class Presence:
    """See the module. `name` is ours, `place` the URL as it may be shown; who is silent counts as there for `alive_s`.

    One that keeps a store for all is remembered for an hour when it is away, as its log is: meanwhile nobody begins
    another store on another machine.
    """

    def __init__(self, redis: Redis, name: str, *, prefix: str, place: str, alive_s: float) -> None:
        self.soonest_s = alive_s
        """Until the first of the others is taken for dead, unless it says that it lives."""
        self._redis: Any = redis  # its annotations are those of a client that blocks, too
        self._name = name
        self._place = place
        self._key, self._logs = f"{prefix}:nodes", f"{prefix}:to:"
        self._alive_ms = int(alive_s * 1000)
        self.named = False
        """Our name is not another one's."""
        self._said: Node | None = None
        """What stands there of us."""

    async def announce(self, node: Node, *, anew: bool = False) -> Mapping[str, Node]:
        """Say that this process is there, and return all that are, this one included.

        Raises NameTaken when another living process goes by our name; when we come `anew` (first, or after a silence)
        SessionTaken when another one holds a conversation of ours meanwhile, StoreTaken when it keeps a store that we
        would keep for all; and BusUnreachable.
        """
        try:
            now, known = await self._announce(node)
            heed_cancellation()
            nodes = self._living(now, known)
            if anew:
                await self._require_sessions(node, nodes)
                await self._require_stores(node, nodes, self._remembered(now, known))
        except failures() as error:
            raise self._went_away(error) from error
        return nodes

    async def living(self) -> Mapping[str, Node]:
        """Return the processes that live, without being one. Raises what the client does."""
        return self._living(await self._time(), await self._redis.hgetall(self._key))

    async def leave(self) -> None:
        """Say that this process, whose name is ours, is gone. Raises what the client does."""
        said, self._said = self._said, None
        if said is not None and _shared(said):
            gone = await self._time() - self._alive_ms
            await self._redis.hset(self._key, self._name, f"{gone} {said.token} {said.model_dump_json()}")
        else:
            await self._redis.hdel(self._key, self._name)

    async def sweep(self) -> None:
        """Remove the logs of processes that were silent for an hour. Raises BusUnreachable."""
        try:
            await self._sweep()
        except failures() as error:
            raise self._went_away(error) from error

    async def _announce(self, node: Node, overlook: str = "") -> tuple[int, Mapping[bytes, bytes]]:
        own = node.model_dump_json()
        found: Any = await self._redis.eval(
            ANNOUNCE, 1, self._key, node.name, node.token, own, str(self._alive_ms), overlook
        )
        self.named = text(found[0]) != "taken"
        self._said = node if self.named else None
        if self.named:
            return int(found[0]), dict(zip(found[1][::2], found[1][1::2], strict=True))
        if not overlook and _is_dead(found[1], node):
            return await self._announce(node, overlook=text(found[1]))
        raise NameTaken(f"A process named {node.name} is on the bus already.", remedy="Give this one another --name.")

    async def _require_sessions(self, node: Node, nodes: Mapping[str, Node]) -> None:
        for other in nodes.values():
            both = set(node.sessions) & set(other.sessions)
            if other.name != node.name and both:
                await self._withdraw()
                raise SessionTaken(
                    f"The process {other.name} holds the conversation {min(both)} already.",
                    remedy="Let one of them go: end that process, or this one.",
                )

    async def _require_stores(self, node: Node, nodes: Mapping[str, Node], remembered: Mapping[str, Node]) -> None:
        for other in remembered.values():
            both = set(_shared(node)) & set(_shared(other))
            away = other.name not in nodes
            if other.name == node.name or not both or (away and node.machine and other.machine == node.machine):
                continue
            await self._withdraw()
            since = " It is away, and is remembered for an hour." if away else ""
            raise StoreTaken(
                f"The process {other.name} keeps the {min(both)} of this bus.{since}",
                remedy=f"Leave {min(both)} out here; or end that one, and start this one with --name {other.name}.",
            )

    async def _withdraw(self) -> None:
        self._said = None
        await self._redis.hdel(self._key, self._name)

    async def _sweep(self) -> None:
        now, known = await self._time(), await self._redis.hgetall(self._key)
        beats = {text(name): int(value.partition(b" ")[0]) for name, value in known.items()}
        heed_cancellation()
        async for key in self._redis.scan_iter(match=f"{self._logs}*", count=100):
            name = text(key).removeprefix(self._logs)
            about = await self._redis.xinfo_stream(key)
            newest = int(text(about["last-generated-id"]).partition("-")[0])
            if name != self._name and now - beats.get(name, newest) > _FORGOTTEN_MS:
                await self._redis.delete(key)
                await self._redis.hdel(self._key, name)

    def _living(self, now: int, known: Mapping[bytes, bytes]) -> Mapping[str, Node]:
        living, ages = {}, [0]
        for name, value in known.items():
            beat, node = _parsed(value)
            age = now - beat
            if age >= self._alive_ms:
                continue
            if node is None:
                _log.warning("what a process says of itself cannot be read", process=text(name))
                continue
            living[text(name)] = node
            if text(name) != self._name:
                ages.append(age)
        self.soonest_s = (self._alive_ms - max(ages)) / 1000
        return living

    @staticmethod
    def _remembered(now: int, known: Mapping[bytes, bytes]) -> Mapping[str, Node]:
        found = {text(name): _parsed(value) for name, value in known.items()}
        return {name: node for name, (beat, node) in found.items() if node is not None and now - beat <= _FORGOTTEN_MS}

    async def _time(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def _went_away(self, error: Exception) -> BusUnreachable:
        return BusUnreachable(f"Redis at {self._place} went away: {error}.", remedy="Start it again.")


def heed_cancellation() -> None:
    """The client waits with asyncio.wait_for, which up to Python 3.11 loses a cancellation that meets the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _parsed(value: bytes) -> tuple[int, Node | None]:
    """When a process said last that it lives, and what it says of itself; None when that cannot be read."""
    beat, _, about = text(value).split(" ", 2)
    try:
        return int(beat), Node.model_validate_json(about)
    except ValueError:  # pydantic's ValidationError too
        return int(beat), None


def _shared(node: Node) -> tuple[str, ...]:
    """Services whose store it keeps for all: a conversation's is its own alone."""
    return () if node.sessions else node.keeps


def _is_dead(there: bytes, ours: Node) -> bool:
    """True when who goes by our name ran on this machine, and its process is gone."""
    _, other = _parsed(there)
    if other is None or not other.machine or other.machine != ours.machine or other.pid == os.getpid():
        return False
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
