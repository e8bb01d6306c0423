"""Where a session's recording lies and what its files are called; nothing here reads or writes what is in them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["FORMAT", "Block", "Place", "Track", "clause_name", "folder_name"]

FORMAT = 1
"""Version of the folder's form; a newer one is refused by name."""

Track = Literal["microphone", "speaker"]

_SEGMENT = re.compile(r"events-(\d{4,})\.jsonl")
_BLOCK = re.compile(r"(?P<stem>[\w-]+)(\.(?P<rate>\d+)\.pcm|\.flac)")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True)
class Block:
    """One file of sound: closed as FLAC, or raw samples at `rate` while it is being written."""

    path: Path
    stem: str
    rate: int | None

    @property
    def position(self) -> int:
        """Its first sample, for a block of the microphone."""
        return int(self.stem)


class Place:
    """The folder of one session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = folder / "journal.json"
        """Format, session, start and settings."""
        self.lock = folder / "recording.lock"
        """Locked for as long as somebody writes."""

    def segment(self, number: int) -> Path:
        """The file of events of this number, from 1."""
        return self.folder / f"events-{number:04d}.jsonl"

    def segments(self) -> dict[int, Path]:
        """The files of events that are there, by number, in order."""
        found = {
            int(match[1]): path for path in self.folder.glob("events-*") if (match := _SEGMENT.fullmatch(path.name))
        }
        return dict(sorted(found.items()))

    def sound(self, track: Track) -> Path:
        """The folder of a track's blocks."""
        return self.folder / "audio" / track

    def blocks(self, track: Track) -> Iterator[Block]:
        """The blocks of a track that are there, by name; where both forms of one are, the closed one."""
        folder, seen = self.sound(track), set[str]()
        for path in sorted(folder.iterdir(), key=_closed_first) if folder.is_dir() else ():
            match = _BLOCK.fullmatch(path.name)
            if match is not None and match["stem"] not in seen and (track == "speaker" or match["stem"].isdigit()):
                seen.add(match["stem"])
                yield Block(path, match["stem"], int(match["rate"]) if match["rate"] else None)

    @property
    def live(self) -> bool:
        """True while somebody records into it."""
        try:
            guard = os.open(self.lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(guard, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(guard)
        return False

    @property
    def bytes(self) -> int:
        """The size of all files in it."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def _closed_first(path: Path) -> tuple[str, bool]:
    return path.name.partition(".")[0], path.suffix != ".flac"


def folder_name(session: str) -> str:
    """The name of a session's folder: the session's own where that is a plain one."""
    return session if _PLAIN.fullmatch(session) else _digest(session)


def clause_name(session: str, reply: str, clause: int) -> str:
    """The stem of a clause's sound, for any name that a reply may bear."""
    whole = f"{reply}-{clause:04d}"
    return whole if _PLAIN.fullmatch(whole) else _digest(f"{session}\0{whole}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
