"""Raw sound through a pipe: mono s16le at 16 kHz from standard input or a fifo, and to standard output or a fifo."""

from __future__ import annotations

import asyncio
import errno
import os
import select
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from services.audio.ports import OutputFailed
from shared.pcm import CAPTURE_RATE, Floats, floats, pcm16

__all__ = ["PipeInput", "PipeOutput"]

T = TypeVar("T")

_READ_BYTES = 6400
_PATIENCE_S = 0.2
"""The thread blocks this long at a time, so that closing is never held up."""


class _Pipe:
    """A descriptor and the thread that waits for it."""

    def __init__(self, path: Path | None, flags: int, standard: int) -> None:
        self._path = path
        self._flags = flags
        self._fd: int | None = standard if path is None else None
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audio-pipe")

    async def close(self) -> None:
        if not self._closing:
            self._closing = True
            await self._in_thread(self._let_go)
            self._thread.shutdown(wait=False)

    def _descriptor(self) -> int:
        if self._fd is None:
            assert self._path is not None
            self._fd = os.open(self._path, self._flags)
        return self._fd

    def _let_go(self) -> None:
        if self._fd is not None and self._path is not None:
            os.close(self._fd)
            self._fd = None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class PipeInput(_Pipe):
    """Raw samples as they are written; an odd byte waits for its other half. The end is when the writer is gone."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, os.O_RDONLY | os.O_NONBLOCK, 0)
        self._odd = b""

    async def read(self) -> Floats | None:
        data = await self._in_thread(self._read)
        if not data:
            return None
        data = self._odd + data
        even = len(data) & ~1
        self._odd = data[even:]
        return floats(data[:even])

    def _read(self) -> bytes:
        fd = self._descriptor()
        while not self._closing:
            readable, _, _ = select.select([fd], [], [], _PATIENCE_S)
            if readable:
                return os.read(fd, _READ_BYTES)
        return b""


class PipeOutput(_Pipe):
    """Raw samples to whoever reads; lost while nobody has opened a fifo yet. A reader that leaves is OutputFailed."""

    rate = CAPTURE_RATE

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, os.O_WRONLY | os.O_NONBLOCK, 1)

    async def write(self, samples: Floats) -> None:
        await self._in_thread(lambda: self._write(pcm16(samples)))

    def _write(self, data: bytes) -> None:
        try:
            fd = self._descriptor()
            while data and not self._closing:
                _, writable, _ = select.select([], [fd], [], _PATIENCE_S)
                if writable:
                    data = data[os.write(fd, data[: select.PIPE_BUF]) :]
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise OutputFailed(
                f"The pipe that takes the sound cannot be written: {error.strerror}.",
                remedy="Keep its reader running, or choose another output.",
            ) from error
