"""What a route of raw ASGI needs: the body within bounds, an answer, a refusal, and to notice that the client left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

import orjson

from shared.errors import SottoError

__all__ = ["ClientLeft", "Receive", "Refusal", "Scope", "Send", "answer", "body", "unless_left"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

T = TypeVar("T")

_JSON = (b"content-type", b"application/json")
_A_WHILE_S = 0.05
_FORGIVEN = 16
"""So many times the bound are read and forgotten: cut off in its sentence, a client would not hear the answer."""


class Refusal(SottoError):
    """A request that is answered with an error: its HTTP status, and where in it the fault lies."""

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        *,
        field: str = "",
        remedy: str = "",
        header: tuple[bytes, bytes] | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.type = type
        self.field = field
        self.header = header

    async def answer(self, send: Send) -> None:
        """Send it."""
        words = {"error": {"type": self.type, "field": self.field, "message": str(self)}}
        await answer(send, orjson.dumps(words), self.status, self.header)


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def body(receive: Receive, most: int) -> bytes:
    """Return the whole body. Raises Refusal for one of more than `most` bytes, and ClientLeft."""
    message = await receive()
    raw: bytes = message.get("body", b"")
    length = len(raw)
    while message.get("more_body") and length <= most * _FORGIVEN:
        message = await receive()
        piece: bytes = message.get("body", b"")
        length += len(piece)
        raw = raw + piece if length <= most else b""
    if message["type"] == "http.disconnect":
        raise ClientLeft
    if length > most:
        raise Refusal(413, "too_large", f"At most {most} bytes, please.", remedy="Send fewer texts at a time.")
    return raw


async def answer(send: Send, raw: bytes, status: int = 200, header: tuple[bytes, bytes] | None = None) -> None:
    """Send JSON, with one more header."""
    headers = [_JSON, (b"content-length", b"%d" % len(raw))]
    if header is not None:
        headers.append(header)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, or call it off when the client leaves, and raise ClientLeft. The body must have been read.

    It is looked whether the client leaves once the work has taken a while: most is done before.
    """
    here = asyncio.current_task()
    assert here is not None, "it is awaited by a task"
    leaving: asyncio.Future[Any] | None = None
    left = over = False

    def look() -> None:
        nonlocal leaving
        leaving = asyncio.ensure_future(receive())
        leaving.add_done_callback(gone)

    def gone(_: object) -> None:
        nonlocal left
        if not over:
            left = True
            here.cancel()

    looking = asyncio.get_running_loop().call_later(_A_WHILE_S, look)
    try:
        return await work
    except asyncio.CancelledError:
        if left and not here.uncancel():
            raise ClientLeft from None
        raise
    finally:
        over = True
        looking.cancel()
        if leaving is not None:
            leaving.cancel()
