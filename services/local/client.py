"""The other end of the local socket: asks the Sotto that runs, if one does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from services.local.place import Place, Port
from services.local.wire import pack, read
from shared.errors import SottoError
from shared.events import REGISTRY, Event, decode, encode

__all__ = ["Connection", "Lost", "Refused", "connected"]


class Lost(SottoError):
    """The Sotto that was asked has ended meanwhile."""


class Refused(SottoError):
    """The Sotto that was asked cannot do it; `type` names its error."""

    def __init__(self, message: str, *, remedy: str = "", type: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.type = type


@contextlib.asynccontextmanager
async def connected(place: Place | None = None) -> AsyncIterator[Connection | None]:
    """Yield a connection to the Sotto that runs, None when none does. Leaving calls off what was asked."""
    opened = await _opened(place)
    if opened is None:
        yield None
        return
    reader, writer = opened
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _opened(place: Place | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    door = await asyncio.to_thread((place or Place()).door)
    try:
        match door:
            case Port():
                reader, writer = await asyncio.open_connection("127.0.0.1", door.number)
                writer.write(pack(door.token.encode()))
                return reader, writer
            case Path():
                return await asyncio.open_unix_connection(door)
            case None:
                return None
    except OSError:
        return None


class Connection:
    """Asks one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def stream(self, request: Event) -> AsyncIterator[Event]:
        """Yield what the request causes, its reply last. Raises Refused, Lost, or CodecError."""
        await self._send(*encode(request))
        while True:
            header, payload = await self._next()
            event = decode(REGISTRY, header, payload)
            yield event
            if event.kind in request.replies:
                return

    async def call(self, name: str, payload: bytes = b"", **options: JsonValue) -> tuple[dict[str, Any], bytes]:
        """Return what a call gives. Raises Refused or Lost."""
        await self._send(json.dumps({"call": name, **options}).encode(), payload)
        header, beside = await self._next()
        return json.loads(header)["result"], beside

    async def _send(self, header: bytes, payload: bytes) -> None:
        try:
            self._writer.write(pack(header, payload))
            await self._writer.drain()
        except ConnectionError as error:
            raise _lost() from error

    async def _next(self) -> tuple[bytes, bytes]:
        try:
            message = await read(self._reader)
        except ConnectionError as error:
            raise _lost() from error
        if message is None:
            raise _lost()
        if message[0].startswith(b'{"error"'):
            said = json.loads(message[0])["error"]
            raise Refused(said["message"], remedy=said["remedy"], type=said["type"])
        return message


def _lost() -> Lost:
    return Lost("The Sotto that was asked has ended.", remedy="Ask again: what runs then will answer.")
