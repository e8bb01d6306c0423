"""Dead letters: events that were given up, with the reason, kept in a stream of their own until somebody looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from bus.transport.errors import NotDead
from bus.transport.place import text

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Letter", "Letters"]

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that was given up."""

    header: bytes
    """The event's, JSON in UTF-8."""
    payload: bytes
    reason: str
    to: str
    """Name of the process that gave it up."""
    entry: str = ""
    """Its number among the dead; it begins with the time in ms."""

    @property
    def at(self) -> datetime:
        """When it was given up, by Redis's clock."""
        return datetime.fromtimestamp(int(self.entry.partition("-")[0]) / 1000, UTC)

    @property
    def event(self) -> dict[str, JsonValue]:
        """What can be read of it; empty when nothing can. Its payload is left out."""
        try:
            found = json.loads(self.header)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def told(self) -> dict[str, JsonValue]:
        """It as JSON, for whoever lists them: entry, at, to, reason and event."""
        about: dict[str, JsonValue] = {"entry": self.entry, "at": self.at.isoformat(), "to": self.to}
        return {**about, "reason": self.reason, "event": self.event}


class Letters:
    """See the module. The oldest go when there are more than ten thousand."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis: Any = redis  # its annotations are those of a client that blocks, too
        self._key = f"{prefix}:dead"
        self._logs = f"{prefix}:to:"

    async def put(self, letter: Letter) -> None:
        """Keep one."""
        fields = {"h": letter.header, "p": letter.payload, "reason": letter.reason, "to": letter.to}
        await self._redis.xadd(self._key, fields, maxlen=_KEPT, approximate=True)

    async def all(self) -> list[Letter]:
        """Return them, oldest first."""
        return [_letter(text(entry), fields) for entry, fields in await self._redis.xrange(self._key)]

    async def retry(self, entry: str, to: str = "") -> Letter:
        """Send one again, to the process that gave it up or to another one. Raises NotDead."""
        from redis import exceptions

        try:
            found = await self._redis.xrange(self._key, entry, entry)
        except exceptions.ResponseError:
            found = []
        if not found:
            raise NotDead(f"No event {entry} was given up.", remedy="`sotto bus dead` lists those that were.")
        letter = _letter(text(found[0][0]), found[0][1])
        async with self._redis.pipeline(transaction=True) as pipe:
            fields = {"o": b"", "e": letter.header, "p": letter.payload, "a": b"1"}
            pipe.xadd(self._logs + (to or letter.to), fields)
            pipe.xdel(self._key, letter.entry)
            await pipe.execute()
        return letter


def _letter(entry: str, fields: Mapping[bytes, bytes]) -> Letter:
    return Letter(
        header=fields.get(b"h", b"{}"),
        payload=fields.get(b"p", b""),
        reason=text(fields.get(b"reason", b"")),
        to=text(fields.get(b"to", b"")),
        entry=entry,
    )
