"""Blanking: what the files of hnswlib, ChromaDB's index, reserve and do not use holds nothing.

It writes its memory as it lies, room for later vectors included, and that holds what this process had there before:
words that were forgotten since, among others.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

__all__ = ["blank"]

_HEADER = struct.Struct("<iQQQQ")
"""Version, where the links begin, room, vectors that were put, bytes of each."""
_LENGTH = 4


def blank(folder: Path) -> None:
    """Write zeros where no vector is, in every index below a folder. Raises OSError."""
    for header in folder.rglob("header.bin"):
        raw = header.read_bytes()
        if len(raw) >= _HEADER.size:
            _, _, _, count, size = _HEADER.unpack_from(raw)
            _blank_since(header.with_name("data_level0.bin"), count * size)
            _blank_since(header.with_name("length.bin"), count * _LENGTH)


def _blank_since(path: Path, used: int) -> None:
    if path.is_file() and path.stat().st_size > used:
        with path.open("r+b") as file:
            room = file.seek(0, os.SEEK_END)
            file.truncate(used)
            file.truncate(room)
