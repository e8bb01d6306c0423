"""Sound files as an output. A WAV file is complete and valid whenever writing stops, also by a crash or a full disk."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from services.audio.ports import OutputFailed
from shared.pcm import Floats, pcm16

if TYPE_CHECKING:
    import soundfile

__all__ = ["FlacOutput", "WavOutput", "require_writable"]

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_FLUSH_S = 0.5
_LARGEST = 0xFFFFFFFF


def _header(rate: int, data_bytes: int) -> bytes:
    size = min(data_bytes, _LARGEST - 36)
    return _HEADER.pack(
        b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size
    )  # fmt: PCM, mono, 16 bit


class _FileOutput:
    """A thread that writes twice a second what has gathered."""

    def __init__(self, path: Path, rate: int) -> None:
        self.rate = rate
        self._path = path
        self._gathered: list[Floats] = []
        self._waiting = 0
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audio-output")

    async def write(self, samples: Floats) -> None:
        self._gathered.append(samples)
        self._waiting += samples.size
        if self._waiting >= _FLUSH_S * self.rate:
            await self._in_thread(self._flush)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                await self._in_thread(self._flush)
            finally:
                await self._in_thread(self._finish)
                self._thread.shutdown(wait=False)

    def _flush(self) -> None:
        pieces, self._gathered, self._waiting = self._gathered, [], 0
        for piece in pieces:
            self._append(piece)
        self._commit()

    def _append(self, samples: Floats) -> None:
        raise NotImplementedError

    def _commit(self) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError

    async def _in_thread(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OSError as error:
            raise _failed(self._path, error.strerror or str(error)) from error


class WavOutput(_FileOutput):
    """Mono 16-bit WAV. The constructor makes the file, or with `more` goes on with one it made; raises OutputFailed.

    At most half a second is not yet in the file; its header is rewritten after each piece of data, never before.
    """

    def __init__(self, path: Path, rate: int, *, more: bool = False) -> None:
        super().__init__(path, rate)
        self._pending = bytearray()
        try:
            self._fd: int | None = os.open(path, os.O_CREAT | os.O_WRONLY | (0 if more else os.O_TRUNC), 0o644)
            self._written = max(0, os.fstat(self._fd).st_size - _HEADER.size) & ~1
            os.pwrite(self._fd, _header(rate, self._written), 0)
        except OSError as error:
            raise _failed(path, error.strerror or str(error)) from error

    def _append(self, samples: Floats) -> None:
        self._pending += pcm16(samples)

    def _commit(self) -> None:
        assert self._fd is not None
        try:
            while self._pending:
                done = os.pwrite(self._fd, self._pending, _HEADER.size + self._written)
                del self._pending[:done]
                self._written += done
        finally:
            self._pending.clear()
            os.pwrite(self._fd, _header(self.rate, self._written & ~1), 0)

    def _finish(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class FlacOutput(_FileOutput):
    """Mono 16-bit FLAC, complete once it is closed. The constructor makes the file; raises OutputFailed."""

    def __init__(self, path: Path, rate: int) -> None:
        import soundfile

        super().__init__(path, rate)
        try:
            self._file: soundfile.SoundFile = soundfile.SoundFile(
                path, "w", samplerate=rate, channels=1, format="FLAC", subtype="PCM_16"
            )
        except (soundfile.LibsndfileError, OSError) as error:
            raise _failed(path, str(error)) from error

    def _append(self, samples: Floats) -> None:
        self._file.buffer_write(pcm16(samples), dtype="int16")

    def _commit(self) -> None:
        self._file.flush()

    def _finish(self) -> None:
        self._file.close()


def require_writable(path: Path) -> None:
    """Raise OutputFailed unless a `.wav` or `.flac` file can be made at `path`."""
    if path.suffix.lower() not in (".wav", ".wave", ".flac"):
        raise OutputFailed(f"{path} is no file that can be written.", remedy="Name it .wav or .flac.")
    if path.is_dir():
        raise OutputFailed(f"{path} is a directory.", remedy="Name a file in it.")
    if not path.parent.is_dir():
        raise OutputFailed(f"There is no folder {path.parent}.", remedy="Make it, or choose another one.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise OutputFailed(f"{path} may not be written.", remedy="Choose a file in a folder of yours.")


def _failed(path: Path, why: str) -> OutputFailed:
    return OutputFailed(
        f"{path} cannot be written: {why}.", remedy="Free some space or choose another output; what was written stays."
    )
