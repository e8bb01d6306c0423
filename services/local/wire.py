"""What goes over the local socket: messages, each a JSON header and bytes beside it.

A client sends a request event in its wire form, or a call (`{"call": NAME, …}`); it is answered with the events that
the request causes, up to its reply, or with `{"result": …}` or `{"error": …}`. One question at a time; whoever closes
the connection does not want the answer any more, and its work is cancelled.
"""

from __future__ import annotations

import asyncio
import struct

from shared.errors import SottoError

__all__ = ["MOST", "BadMessage", "pack", "read"]

_LENGTHS = struct.Struct(">II")
MOST = 256 << 20
"""Bytes of a header or of what is beside it."""


class BadMessage(SottoError):
    """What came is no message of Sotto's."""


def pack(header: bytes, payload: bytes = b"") -> bytes:
    """Return a message as it goes over the socket. Raises BadMessage for one that is too large."""
    if max(len(header), len(payload)) > MOST:
        raise BadMessage(f"A message of {max(len(header), len(payload)):,} bytes is too large.", remedy="Send less.")
    return _LENGTHS.pack(len(header), len(payload)) + header + payload


async def read(reader: asyncio.StreamReader, most: int = MOST) -> tuple[bytes, bytes] | None:
    """Return the next message, None when the other side has ended. Raises BadMessage or ConnectionError."""
    try:
        lengths = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
        if max(lengths) > most:
            raise BadMessage(f"A message of {max(lengths):,} bytes is too large.", remedy="Send less.")
        return await reader.readexactly(lengths[0]), await reader.readexactly(lengths[1])
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionResetError("the other side ended within a message") from error
        return None
