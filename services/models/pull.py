"""Pulling: a model's files, in place only when every one of them arrived and was verified.

Files grow in `.incomplete` beside the models and are moved together, so that nobody ever sees half a model. The hash
must be the one that the catalogue, models.lock and the hub state, as far as they do; what was verified is kept there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.models.catalogue import Entry
from services.models.errors import DiskFull, FolderUnusable, HashConflict, PullUnderWay
from services.models.fetch import FULL, Fetch
from services.models.lock import Lock, LockedFile, LockedGguf, LockedModel
from services.models.sources import Source
from shared.gguf import GgufUnreadable, read_gguf
from shared.logs import get_logger

__all__ = ["Progress", "Puller", "alone"]

_log = get_logger("models")

_SPARE = 64 << 20
"""Bytes that a pull leaves free on the disk."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the pull of a model is."""

    name: str
    file: str
    """The file that arrives now."""
    done_bytes: int
    """Of the whole model, what was there before included."""
    total_bytes: int


Report = Callable[[Progress], None]


class Puller:
    """Pulls into `folder`. One at a time per folder, across processes; all methods block."""

    def __init__(self, folder: Path, lock: Lock, sources: Sequence[Source]) -> None:
        self._folder = folder
        self._lock = lock
        self._sources = tuple(sources)

    def pull(self, entry: Entry, report: Report, stop: threading.Event) -> Path:
        """Bring the model to `folder/role/name` and return that path; what is whole there already stays.

        Raises NoSource, WrongHash, HashConflict, SizeConflict, DiskFull, FolderUnusable, PullUnderWay, or
        PullCancelled once `stop` is set; in each case the models that were there are as they were.
        """
        target = self._folder / entry.role / entry.name
        with alone(self._folder):
            locked = self._obeyed(entry)
            missing = [f for f in entry.files if not _whole(target / f.name, locked.get(f.name))]
            if not missing:
                return target
            stage = self._folder / ".incomplete" / entry.name
            stage.mkdir(parents=True, exist_ok=True)
            fetches = {
                f.name: Fetch(entry, f, stage, sources=self._sources, locked=locked.get(f.name)) for f in missing
            }
            for name, fetch in fetches.items():
                fetch.adopt(target / name)
            present = {name: file for name, file in locked.items() if name not in fetches}
            self._refuse_if_full(entry, fetches.values())
            fresh = _run(entry, fetches, present, report, stop)
            # The lock first: files in place that it does not know would be taken for a model added by hand.
            told = {name: _told(stage / name, file) for name, file in fresh.items()}
            self._lock.put(entry.name, _record(entry, {**present, **told}))
            _move(stage, target)
        return target

    def plan(self, entry: Entry) -> int:
        """Return how many bytes a pull would bring, asking a source where the catalogue does not know."""
        target = self._folder / entry.role / entry.name
        locked = self._obeyed(entry)
        missing = [f for f in entry.files if not _whole(target / f.name, locked.get(f.name))]
        return sum(
            f.bytes or Fetch(entry, f, target, sources=self._sources, locked=locked.get(f.name)).bytes for f in missing
        )

    def _obeyed(self, entry: Entry) -> dict[str, LockedFile]:
        """What the lock says of the entry's files. Raises HashConflict where the catalogue says otherwise."""
        known = self._lock.read().get(entry.name)
        if known is None or (known.repository, known.revision) != (entry.repository, entry.revision):
            return {}
        for file in entry.files:
            locked = known.files.get(file.name)
            if locked and file.sha256 and locked.sha256 != file.sha256:
                raise HashConflict(
                    f"{entry.name}/{file.name}: models.lock says SHA-256 {locked.sha256}, "
                    f"the catalogue says {file.sha256}.",
                    remedy=f"If you trust the catalogue, run `sotto models remove {entry.name}` and pull it again.",
                )
        return dict(known.files)

    def _refuse_if_full(self, entry: Entry, fetches: Iterable[Fetch]) -> None:
        wanted = sum(max(0, fetch.bytes - fetch.here) for fetch in fetches)
        free = shutil.disk_usage(self._folder).free
        if wanted + _SPARE > free:
            raise DiskFull(
                f"{entry.name} needs {_megabytes(wanted)} and some room besides, "
                f"but the disk of {self._folder} has {_megabytes(free)} free.",
                remedy="Free some space, or set `models.folder` to a larger disk.",
            )


def _run(
    entry: Entry,
    fetches: Mapping[str, Fetch],
    present: Mapping[str, LockedFile],
    report: Report,
    stop: threading.Event,
) -> dict[str, LockedFile]:
    """Fetch the files one after the other, reporting the sum."""
    done = sum(file.bytes for file in present.values())
    total = done + sum(fetch.bytes for fetch in fetches.values())
    fresh: dict[str, LockedFile] = {}
    for name, fetch in fetches.items():

        def arrived(count: int, before: int = done, name: str = name) -> None:
            report(Progress(entry.name, name, before + count, max(total, before + count)))

        fresh[name] = fetch.run(arrived, stop)
        done += fresh[name].bytes
    return fresh


def _whole(path: Path, locked: LockedFile | None) -> bool:
    """True for a file that was verified when it was pulled and still has its size; `verify` reads the bytes."""
    return locked is not None and path.is_file() and path.stat().st_size == locked.bytes


def _move(stage: Path, target: Path) -> None:
    """Put the staged files in their place: all at once where there was none before."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        for file in stage.iterdir():
            file.replace(target / file.name)
        stage.rmdir()
    else:
        stage.replace(target)
    for folder in (target, target.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(path: Path, file: LockedFile) -> LockedFile:
    """The file with what it says of itself, where it is a GGUF."""
    if path.suffix != ".gguf":
        return file
    try:
        said = read_gguf(path)
    except GgufUnreadable as error:
        _log.warning("a model has the right bytes and cannot be read", reason=error.message)
        return file
    gguf = LockedGguf(
        licence=said.licence, template_sha256=said.template_sha256, vocabulary_sha256=said.vocabulary_sha256
    )
    return file.model_copy(update={"gguf": gguf})


def _record(entry: Entry, files: dict[str, LockedFile]) -> LockedModel:
    return LockedModel(
        role=entry.role,
        engine=entry.engine,
        repository=entry.repository,
        revision=entry.revision,
        languages=entry.languages,
        files=files,
    )


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the folder meanwhile, and say in words what the system refuses.

    Raises PullUnderWay, FolderUnusable, or DiskFull.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".pulling").open("w", encoding="utf-8") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise PullUnderWay(f"Another pull into {folder} is under way.", remedy="Wait for it to end.") from error
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"The disk of {folder} is full.", remedy="Free some space and pull again.") from error
        raise FolderUnusable(
            f"Models cannot be kept in {folder}: {error.strerror or error}.",
            remedy="Set `models.folder` to another place, or mend its permissions.",
        ) from error


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
