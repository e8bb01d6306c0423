"""The shortcut: a request whose answer is known is answered where it is read, without a task of its own.

That is most of what such an answer costs otherwise. Everything else goes uvicorn's way. Imported only when the gateway
runs.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.gateway.guard import Guarded
from services.gateway.sources import Known

__all__ = ["Shortcut"]

_MOST = 64 * 1024
"""Bytes of a body that may be known."""


class Shortcut(HttpToolsProtocol):
    """A connection. Answers leave in the order of their requests, and at most as fast as they are read."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._guard = self.config.app
        self._known: Known | None = None
        self._read = b""

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._known, self._read = self._looked_up(), b""
        if self._known is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        if self._known is None:
            super().on_body(body)
            return
        self._read += body
        if len(self._read) > _MOST:
            self._take_the_long_way()

    def on_message_complete(self) -> None:
        """See httptools."""
        answer = self._known(self._read) if self._known is not None else None
        if answer is not None:
            self.transport.write(self._head(len(answer)) + answer)
            self.on_response_complete()
            return
        if self._known is not None:
            self._take_the_long_way()
        super().on_message_complete()

    def _looked_up(self) -> Known | None:
        """What may know the answer, if this is a plain POST and nobody has to wait for anything else first."""
        idle = self.cycle is None or self.cycle.response_complete
        plain = self.parser.get_method() == b"POST" and self.parser.should_keep_alive() and not self.expect_100_continue
        if not (idle and plain) or self.flow.write_paused or self.parser.should_upgrade() or self._crowded():
            return None
        assert isinstance(self._guard, Guarded)
        return self._guard.known(self.url.decode("latin-1"), self.client, self.headers)

    def _crowded(self) -> bool:
        return self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency

    def _take_the_long_way(self) -> None:
        """Begin as uvicorn does when it has read the head, and hand over what was read since."""
        self._known = None
        super().on_headers_complete()
        super().on_body(self._read)

    def _head(self, length: int) -> bytes:
        common = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
        return b"HTTP/1.1 200 OK\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (common, length)
