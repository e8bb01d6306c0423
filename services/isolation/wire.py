"""The wire between the assistant and the process of one of its services: messages of a kind and two parts, in order.

To the service's process:                          From it:

    M  a pickled Plan: run this service                e  header, payload: it publishes an event
    E  header, payload: an event for it                h  id: it is done with an event of its mailbox
    W  JSON: a request whose answer is streamed        w  JSON: what it reads beside its mailbox
    R  JSON: of which so much was read                 b  it lives
    A  id: of which nobody reads any more              x  id, words: it crashed (working on that event)
    F  JSON: a fence                                   f  it has finished

An event travels in its wire form (shared/events/codec.py). Whoever finds the wire closed ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

__all__ = ["Message", "Wire"]

Message = tuple[bytes, bytes, bytes]
"""Kind, head, body."""

_HEAD = struct.Struct("<cII")
"""Kind, bytes of the head, bytes of the body."""


class Wire:
    """One end of a connected socket. Sending never waits; `drained` does."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Wire:
        """Take over a connected socket."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    def send(self, kind: bytes, head: bytes = b"", body: bytes = b"") -> None:
        """Queue a message. Nothing happens once the wire is closed."""
        if not self._writer.is_closing():
            self._writer.writelines((_HEAD.pack(kind, len(head), len(body)), head, body))

    async def drained(self) -> None:
        """Wait until the other side has nearly caught up, or is gone."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what comes, until the other side is gone."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, head, body = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
                yield kind, await self._reader.readexactly(head), await self._reader.readexactly(body)

    def close(self) -> None:
        """Send what is queued and let go; the other side ends."""
        self._writer.close()
