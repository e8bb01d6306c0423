"""The server: uvicorn inside a supervised service. No signal handlers, no lifespan, and an end within a blink.

Imported only when the gateway runs.
"""

from __future__ import annotations

import asyncio
import logging
import socket

import uvicorn

from services.gateway.frames import FrameWriter
from services.gateway.guard import Guarded
from services.gateway.shortcut import Shortcut

__all__ = ["Server"]

_MAX_FRAME = 64 * 1024
"""Bytes of a frame from a watcher, who has nothing to say."""
_FLUSH = 0.05
"""Seconds in which the last words may still leave."""
_TICK = 1.0


class Server(uvicorn.Server):
    """Serves an application on a listening socket until it is cancelled; then every connection and task has ended."""

    def __init__(self, app: Guarded, *, connections: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http=Shortcut,
                ws=FrameWriter,
                ws_max_size=_MAX_FRAME,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=connections,
            )
        )
        # What a client breaks is the client's business, and what we break the application logs itself.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        self.config.load()
        self._closing: set[asyncio.Transport] = set()

    async def run_on(self, listener: socket.socket) -> None:
        """Serve until cancelled. `listener` is closed at the end."""
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[listener])
        try:
            while True:
                await self.on_tick(0)
                self._abort_unread()
                await asyncio.sleep(_TICK)
        finally:
            await self._end()

    def _abort_unread(self) -> None:
        """Cut off whoever was closed a tick ago and does not take the last words."""
        closing = {one.transport for one in self.server_state.connections if one.transport.is_closing()}
        for transport in closing & self._closing:
            transport.abort()
        self._closing = closing

    async def _end(self) -> None:
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        tasks = tuple(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=_FLUSH)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
