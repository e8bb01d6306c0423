"""An inbox: the log in Redis that others append to and one process reads.

What it has read is noted there in the same step, and stays until it is deleted: what stands there and was read is what
that process, or an earlier life of it, had in hand.
"""

from __future__ import annotations

from typing import Any

from bus.transport.line import Line
from bus.transport.place import BLOCK_MS, text

__all__ = ["Entry", "Inbox"]

Entry = tuple[bytes, list[bytes]]
"""Where it stands in the log, and its fields with their names before them."""

_GROUP = "g"


class Inbox:
    """See the module. At most `most` entries come at once."""

    def __init__(self, redis: Any, line: Line, log: str, most: int) -> None:
        self._redis = redis
        self._line = line
        self._log = log
        self._most = most
        # Without a list of what is pending (NOACK), which would say again what the log says.
        self._read = ("XREADGROUP", "GROUP", _GROUP, "reader", "NOACK", "COUNT", most)

    async def join(self) -> None:
        """Make it, unless it is there."""
        from redis import exceptions

        try:
            await self._redis.xgroup_create(self._log, _GROUP, id="0", mkstream=True)
        except exceptions.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def take(self) -> list[Entry]:
        """What is new."""
        return _entries(await self._line.ask(*self._read, "STREAMS", self._log, ">"))

    async def wait(self) -> list[Entry]:
        """What is new; nothing when nothing came for a while."""
        return _entries(await self._line.ask(*self._read, "BLOCK", BLOCK_MS, "STREAMS", self._log, ">"))

    async def until(self) -> str:
        """Where the last entry stands, or stood, that was read."""
        groups = await self._redis.xinfo_groups(self._log)
        return next((text(group["last-delivered-id"]) for group in groups if text(group["name"]) == _GROUP), "0-0")

    async def again(self, since: str, until: str) -> list[Entry]:
        """What was read and is not deleted, in its order."""
        found: list[Entry] = await self._line.ask("XRANGE", self._log, since, until, "COUNT", self._most)
        return found


def _entries(found: Any) -> list[Entry]:
    entries: list[Entry] = found[0][1] if found else []
    return entries
