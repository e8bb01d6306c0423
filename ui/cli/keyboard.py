"""Lines typed at the terminal (or piped in), read without blocking the event loop and without a thread to join."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections.abc import AsyncIterator
from typing import TextIO

__all__ = ["lines"]

_CHUNK_BYTES = 65_536


async def lines(stream: TextIO | None = None) -> AsyncIterator[str]:
    """Yield each line of `stream` (standard input by default) without its newline, until it ends.

    Cancelling leaves the terminal as it was. Bytes that are no UTF-8 become the replacement character.
    """
    fd = (stream or sys.stdin).fileno()
    text, decode = "", codecs.getincrementaldecoder("utf-8")("replace").decode
    async for chunk in _chunks(fd):
        *whole, text = (text + decode(chunk, final=not chunk)).split("\n")
        for line in whole:
            yield line.rstrip("\r")
    if text:
        yield text


async def _chunks(fd: int) -> AsyncIterator[bytes]:
    while True:
        await _readable(fd)
        chunk = os.read(fd, _CHUNK_BYTES)
        yield chunk
        if not chunk:
            return


async def _readable(fd: int) -> None:
    """Return when a read will not block; watches for this one read only.

    A watch that stayed would be told of the same bytes once more after they were read, and the next read would block.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:  # epoll refuses regular files, which are always ready
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
