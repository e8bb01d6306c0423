"""Keeping recordings within an age and a size: the oldest go first, and never what is being recorded elsewhere."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from bus.journal.errors import BeingRecorded, NewerJournal, NoRecording
from bus.journal.place import Place
from bus.journal.recording import Recording, delete

__all__ = ["sweep"]


def sweep(root: Path, *, most_bytes: int, oldest: int, own: Place | None = None) -> list[str]:
    """Delete sessions that began before `oldest` (unix ns), then the oldest until all are within `most_bytes`.

    When `own`, the one being recorded, is too large by itself, its oldest sound goes, then its oldest files of events.
    Returns what went. It blocks.
    """
    for folder in root.glob(".gone-*"):
        shutil.rmtree(folder, ignore_errors=True)
    gone, sizes = [], {}
    for started_at, recording in _others(root, own):
        if started_at >= oldest or not _deleted(recording):
            sizes[recording] = Place(recording.folder).bytes
        else:
            gone.append(recording.session)
    total = sum(sizes.values()) + (own.bytes if own is not None else 0)
    for recording, size in sizes.items():
        if total > most_bytes and _deleted(recording):
            gone.append(recording.session)
            total -= size
    for path in _parts(own) if own is not None else ():
        if total > most_bytes:
            total -= path.stat().st_size
            path.unlink()
            gone.append(path.name)
    return gone


def _others(root: Path, own: Place | None) -> list[tuple[int, Recording]]:
    """The sessions that are not being recorded, the oldest first."""
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name.startswith(".") or (own is not None and folder == own.folder) or Place(folder).live:
            continue
        with contextlib.suppress(NoRecording, NewerJournal):
            recording = Recording(folder)
            found.append((recording.started_at, recording))
    return sorted(found, key=lambda pair: (pair[0], pair[1].session))


def _deleted(recording: Recording) -> bool:
    try:
        delete(recording)
    except (BeingRecorded, FileNotFoundError):  # or somebody else was faster
        return False
    return True


def _parts(own: Place) -> Iterator[Path]:
    """What of a session may go while it is being recorded."""
    for track in ("microphone", "speaker"):
        yield from (block.path for block in own.blocks(track) if block.rate is None)
    yield from list(own.segments().values())[:-1]
