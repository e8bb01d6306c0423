"""Writing a WAV file whole or not at all."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import wave
from pathlib import Path

from shared.errors import SottoError

__all__ = ["CannotWrite", "write_wav"]


_SUFFIXES = (".wav", ".wave", "")


class CannotWrite(SottoError):
    """The file cannot be written: no such folder, no permission, no space, or a name of another format."""


def write_wav(path: Path, pcm: bytes, rate: int) -> None:
    """Write mono s16le samples, to standard output for `-`.

    An existing file is replaced only once the new one is complete. Raises CannotWrite.
    """
    if str(path) == "-":
        sys.stdout.buffer.write(_wav(pcm, rate))
        return
    if path.suffix.lower() not in _SUFFIXES:
        raise CannotWrite(
            f"{path} would hold WAV and be called {path.suffix}.",
            remedy=f"Name it {path.with_suffix('.wav').name}; ffmpeg converts it.",
        )
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            part = Path(file.name)
            file.write(_wav(pcm, rate))
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise CannotWrite(
            f"{path} cannot be written: {error.strerror}.", remedy="Choose another place, or make room."
        ) from error


def _wav(pcm: bytes, rate: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm)
    return content.getvalue()
