"""A line: one connection to Redis, on which one thing at a time is asked and answered within a time.

The client's own way is for any command of any task: a connection taken from the pool, looked at and given back, a task
for what is written, timers for each half. Where events pass, that was most of what they cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Line"]


class Line:
    """See the module. It is opened when it is first needed, and again after it broke."""

    def __init__(self, redis: Redis, patience_s: float) -> None:
        from hiredis import pack_command

        self._packed: Callable[[Any], bytes] = pack_command
        self._pool: Any = redis.connection_pool  # its annotations are those of a client that blocks, too
        self.patience_s = patience_s
        self._connection: Any = None

    @property
    def broken(self) -> bool:
        """True when the next that is asked goes over another connection than the last."""
        return self._connection is None or not self._connection.is_connected

    async def ask(self, *command: str | bytes | int) -> Any:
        """Return the answer, its texts as bytes. Raises what the client does, and TimeoutError."""
        async with asyncio.timeout(self.patience_s):
            connection = await self._connected() if self.broken else self._connection
            await connection.send_packed_command(self._packed(command), check_health=False)
            return await connection.read_response()

    async def _connected(self) -> Any:
        if self._connection is None:
            self._connection = await self._pool.get_connection()
            self._connection.socket_timeout = None  # ours is for both halves, and costs no task
        await self._connection.connect()
        return self._connection
