"""The shortcut: a plain request for a path of another service goes straight to it, and is answered in one write.

What the service knows is answered where it is read, without a task. Everything else goes uvicorn's way, which costs
several times as much. Imported only when the gateway runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.gateway.guard import Guarded
from services.gateway.sources import Route

__all__ = ["Shortcut"]

_MOST = 64 * 1024
"""Bytes of a body that is plain."""
_JSON = ((b"content-type", b"application/json"),)


class Shortcut(HttpToolsProtocol):
    """A connection. Answers leave in the order of their requests, and at most as fast as they are read."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._guard = self.config.app
        self._route: Route | None = None
        self._read = b""

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._route, self._read = self._straight(), b""
        if self._route is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        if self._route is None:
            super().on_body(body)
            return
        self._read += body
        if len(self._read) > _MOST:
            self._route = None
            super().on_headers_complete()
            super().on_body(self._read)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._route is None:
            super().on_message_complete()
            return
        answer = self._route.known(self._read)
        if answer is not None:
            self.write(200, (*_JSON, (b"content-length", b"%d" % len(answer))), answer)
        else:
            self._ask(self._route)

    def write(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer the request that was read last, and go on to the next."""
        lines = (b"%s: %s\r\n" % header for header in (*self.server_state.default_headers, *headers))
        self.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
        self.on_response_complete()

    def _straight(self) -> Route | None:
        """Whom to ask, if this is a plain POST of a visitor who is known, and nobody has to wait for anything else."""
        idle = self.cycle is None or self.cycle.response_complete
        plain = self.parser.get_method() == b"POST" and self.parser.should_keep_alive() and not self.expect_100_continue
        if not (idle and plain) or self.flow.write_paused or self.parser.should_upgrade() or self._crowded():
            return None
        assert isinstance(self._guard, Guarded)
        return self._guard.known(self.url.decode("latin-1"), self.client, self.headers)

    def _crowded(self) -> bool:
        most = self.limit_concurrency
        return most is not None and (len(self.connections) >= most or len(self.tasks) >= most)

    def _ask(self, route: Route) -> None:
        self.scope |= {"method": "POST", "path": self.url.decode("latin-1")}
        self.cycle = exchange = _Exchange(self, self._read)  # type: ignore[assignment]
        task = self.loop.create_task(route(self.scope, exchange.receive, exchange.send))  # type: ignore[arg-type]
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


class _Exchange:
    """A request that is being worked out; in place of uvicorn's own, whose names it bears."""

    def __init__(self, connection: Shortcut, body: bytes) -> None:
        self._connection = connection
        self._body: bytes | None = body
        self._start: MutableMapping[str, Any] = {}
        self.message_event = asyncio.Event()
        self.disconnected = self.response_complete = False
        self.keep_alive = True

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the body, whole; then wait until the client leaves."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self.message_event.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send the answer, whose body comes in one piece."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._connection.flow.write_paused and not self.disconnected:
            await self._connection.flow.drain()
        if self.disconnected:
            return
        self.response_complete = True
        last = () if self.keep_alive else ((b"connection", b"close"),)
        self._connection.write(self._start["status"], (*self._start["headers"], *last), message["body"])
        if not self.keep_alive:
            self._connection.transport.close()
