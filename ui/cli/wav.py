"""Writing a WAV file whole or not at all."""

from __future__ import annotations

import os
import tempfile
import wave
from pathlib import Path

from shared.errors import SottoError

__all__ = ["CannotWrite", "write_wav"]


class CannotWrite(SottoError):
    """The file cannot be written: no such folder, no permission, or no space."""


def write_wav(path: Path, pcm: bytes, rate: int) -> None:
    """Write mono s16le samples; an existing file is replaced only once the new one is complete. Raises CannotWrite."""
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            part = Path(file.name)
            with wave.open(file, "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(rate)
                sound.writeframes(pcm)
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
