"""What a person means by an input or an output: a device, a sound file, a raw pipe, or nothing."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NOTHING", "Address", "Device", "Nothing", "RawPipe", "SoundFile", "address"]

NOTHING = ("none", "null", "")
"""How silence, or nowhere, is called."""

_SOUND_SUFFIXES = (".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wave", ".w64")
_RAW_SUFFIXES = (".pcm", ".raw", ".s16")


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device by (part of its) name or index; `default` is the system's choice."""

    name: str


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A file that holds sound."""

    path: Path


@dataclass(frozen=True, slots=True)
class RawPipe:
    """Mono s16le at 16 kHz through a fifo, or standard input and output when there is no path."""

    path: Path | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Silence in, or nowhere out."""


Address = Device | SoundFile | RawPipe | Nothing


def address(text: str) -> Address:
    """Return what `text` names. A fifo or `-` is a pipe; what exists or ends like a sound file is a file."""
    if text in NOTHING:
        return Nothing()
    if text == "-":
        return RawPipe(None)
    path = Path(text).expanduser()
    if path.exists():
        return RawPipe(path) if stat.S_ISFIFO(path.stat().st_mode) else SoundFile(path)
    if path.suffix.lower() in _SOUND_SUFFIXES + _RAW_SUFFIXES or "/" in text:
        return SoundFile(path)
    return Device(text)
