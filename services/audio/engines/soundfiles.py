"""Sound files as an input: whatever libsndfile reads, at any rate, width and number of channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from services.audio.resampling import Resampler
from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, Floats

if TYPE_CHECKING:
    import soundfile

__all__ = ["FileInput", "UnreadableSound", "mono", "read_sound", "require_readable"]

T = TypeVar("T")

_BLOCK_S = 0.5
_RAW_SUFFIXES = (".raw", ".pcm", ".s16")


class UnreadableSound(SottoError):
    """The file or pipe holds no sound that can be read."""


def mono(frames: npt.NDArray[np.float32]) -> Floats:
    """Frames of shape (samples, channels) to (samples,), the channels' mean; NaN and infinity become silence."""
    mixed = frames[:, 0].copy() if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mixed).all():
        clean = np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0)
        mixed = clean.mean(axis=1, dtype=np.float32)
    return np.asarray(mixed, dtype=np.float32)


class FileInput:
    """A WAV, FLAC, Ogg, MP3 or AIFF file, or raw s16le at 16 kHz (`.raw`, `.pcm`, `.s16`), read by a thread of its own.

    The constructor opens the file and raises UnreadableSound with what is wrong with it; `from_s` seconds are passed
    over.
    """

    def __init__(self, path: Path, *, from_s: float = 0.0) -> None:
        self._blocks = _Blocks(path)
        file = self._blocks.file
        if from_s:
            file.seek(min(round(from_s * file.samplerate), file.frames))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audio-file")

    @property
    def seconds(self) -> float:
        """Duration as the header states it."""
        file = self._blocks.file
        return float(file.frames / file.samplerate)

    async def read(self) -> Floats | None:
        return await self._in_thread(self._blocks.next)

    async def close(self) -> None:
        if not self._blocks.file.closed:
            await self._in_thread(self._blocks.file.close)
            self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class _Blocks:
    """The samples of an open file at 16 kHz, mono, block by block; all of it blocks."""

    def __init__(self, path: Path) -> None:
        self.file: soundfile.SoundFile = _opened(path)
        self._path = path
        self._resample = Resampler(self.file.samplerate, CAPTURE_RATE)
        self._ended = False

    def next(self) -> Floats | None:
        """Return the next block, shape (samples,), None after the last. Raises UnreadableSound."""
        import soundfile

        if self._ended:
            return None
        try:
            frames: npt.NDArray[np.float32] = self.file.read(
                int(_BLOCK_S * self.file.samplerate), dtype="float32", always_2d=True
            ).astype(np.float32, copy=False)
        except soundfile.LibsndfileError as error:
            raise UnreadableSound(
                f"{self._path} is damaged: {str(error).rstrip('.')}.",
                remedy="Convert it again, for instance with ffmpeg.",
            ) from error
        self._ended = not len(frames)
        return self._resample(mono(frames), last=self._ended)


def read_sound(path: Path) -> Floats:
    """Return a whole file, mono float32 at 16 kHz, shape (samples,). Blocks; raises UnreadableSound."""
    blocks, read = _Blocks(path), []
    with blocks.file:
        while (block := blocks.next()) is not None:
            read.append(block)
    return np.concatenate(read)


def require_readable(path: Path) -> None:
    """Raise UnreadableSound unless `path` is a sound file that can be read."""
    _opened(path).close()


def _opened(path: Path) -> soundfile.SoundFile:
    import soundfile

    _require_content(path)
    raw = path.suffix.lower() in _RAW_SUFFIXES
    try:
        if raw:
            return soundfile.SoundFile(
                path, format="RAW", subtype="PCM_16", endian="LITTLE", samplerate=CAPTURE_RATE, channels=1
            )
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise UnreadableSound(
            f"{path} is not a sound file that can be read: {str(error).rstrip('.')}.",
            remedy="Give a WAV, FLAC, Ogg, MP3 or AIFF file, or raw s16le at 16 kHz named .raw.",
        ) from error


def _require_content(path: Path) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise UnreadableSound(f"There is no sound file {path}.", remedy="Check the path.") from error
    if path.is_dir():
        raise UnreadableSound(f"{path} is a directory, not a sound file.", remedy="Name one file.")
    if size == 0:
        raise UnreadableSound(f"{path} is empty (0 bytes).", remedy="Record or convert it again.")
