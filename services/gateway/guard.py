"""The guard: looks at each visit before anything else does, and reads no more of it than it must.

Imported only when the gateway runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.websockets import WebSocket

from services.gateway.doors import Doors, ForeignPage, KeyNeeded, Visit, WrongHost
from services.gateway.refusal import Refusal
from services.gateway.sources import App, Receive, Route, Scope, Send

__all__ = ["Guarded", "check", "visit"]

MAX_BODY = 1 << 20
"""Bytes of a request."""
_JUDGED = frozenset((b"host", b"origin", b"authorization"))
_REMEMBERED = 256
"""Visitors whom the doors need not look at again."""
_PATIENCE = 16 * MAX_BODY
"""Bytes of a refused one that are read and forgotten."""


def visit(connection: Request | WebSocket) -> Visit:
    """Who asks."""
    client = connection.client.host if connection.client is not None else ""
    return Visit(client, connection.headers, connection.query_params.get("key", ""))


class Guarded:
    """An application that only lets in whom `doors` lets in, and no body beyond MAX_BODY."""

    def __init__(self, app: App, doors: Doors, routes: Mapping[str, Route]) -> None:
        self._app = app
        self._doors = doors
        self._routes = routes
        self._welcome: set[tuple[object, ...]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)  # the socket looks at its visitors itself
            return
        route = self._routes.get(scope["path"])
        if route is not None and _marks(scope.get("client"), scope["query_string"], scope["headers"]) in self._welcome:
            await route(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._judge(request)
            if route is not None:
                self._remember(scope)
                await route(scope, receive, send)
                return
            body = await _read(receive)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    def known(self, path: str, client: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]]) -> Route | None:
        """Return what answers at a path, for a visitor who was let in before."""
        route = self._routes.get(path)
        return route if route is not None and _marks(client, b"", headers) in self._welcome else None

    def _judge(self, request: Request) -> None:
        doors, visitor = self._doors, visit(request)
        check(doors, visitor, open_to_all=request.url.path == "/health")

    def _remember(self, scope: Scope) -> None:
        """Judge the same visitor once only: the doors look at nothing else, and do not change."""
        if len(self._welcome) >= _REMEMBERED:
            self._welcome.clear()
        self._welcome.add(_marks(scope.get("client"), scope["query_string"], scope["headers"]))


def _marks(client: tuple[str, int] | None, query: bytes, headers: Iterable[tuple[bytes, bytes]]) -> tuple[object, ...]:
    """All that the doors look at."""
    shown = [header for header in headers if header[0] in _JUDGED]
    return (client[0] if client else "", query, *shown)


def check(doors: Doors, visitor: Visit, *, open_to_all: bool = False) -> None:
    """Raise Refusal for a visitor who may not come in."""
    try:
        doors.check_page(visitor)
        if not open_to_all:
            doors.check_key(visitor)
    except WrongHost as error:
        raise Refusal(400, "wrong_host", error.message, remedy=error.remedy, field="host") from error
    except ForeignPage as error:
        raise Refusal(403, "foreign_page", error.message, remedy=error.remedy, field="origin") from error
    except KeyNeeded as error:
        raise Refusal(401, "key_needed", error.message, remedy=error.remedy, field="authorization") from error


async def _read(receive: Receive) -> bytes:
    """Return the whole body. What is too large is read to its end within reason: cut off in their sentence, clients
    would not hear the answer."""
    body, length, more = bytearray(), 0, True
    while more and length < _PATIENCE:
        message = await receive()
        piece = message.get("body", b"")
        length += len(piece)
        more = bool(message.get("more_body"))
        if length <= MAX_BODY:
            body += piece
    if length > MAX_BODY:
        raise Refusal(413, "too_large", f"At most {MAX_BODY} bytes, please.", remedy="Send fewer events at a time.")
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What is left to receive after the body was read: the body, once."""
    unread = [body]

    async def receive_again() -> MutableMapping[str, Any]:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return receive_again
