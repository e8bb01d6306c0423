"""Fetching one file: from the first source that has it, on from where an earlier attempt broke off, verified."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from services.models.catalogue import Entry, ListedFile
from services.models.errors import (
    DiskFull,
    HashConflict,
    NoSource,
    PullCancelled,
    SizeConflict,
    SourceFailed,
    WrongHash,
)
from services.models.lock import Authority, LockedFile
from services.models.sources import Body, Source, Stated
from shared.logs import get_logger

__all__ = ["FULL", "Fetch", "sha256_of"]

_log = get_logger("models")

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a system says when there is no room."""

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the bytes must be, and who says so."""

    bytes: int | None
    sha256: str | None
    git_sha1: str | None
    agreed: tuple[Authority, ...]


class Fetch:
    """One file of a model on its way into `folder`. All methods block."""

    def __init__(
        self, entry: Entry, file: ListedFile, folder: Path, *, sources: Sequence[Source], locked: LockedFile | None
    ) -> None:
        self._entry = entry
        self._file = file
        self._path = folder / file.name
        self._part = folder / f"{file.name}.part"
        self._sources = iter(sources)
        self._locked = locked
        self._failed: list[SourceFailed] = []
        self._source, self._expected = self._next_source()

    @property
    def bytes(self) -> int:
        """The file's size; 0 when no one states it."""
        return self._expected.bytes or 0

    @property
    def here(self) -> int:
        """Bytes that an earlier attempt left."""
        return next((p.stat().st_size for p in (self._path, self._part) if p.exists()), 0)

    def adopt(self, candidate: Path) -> None:
        """Take a file that lies at hand into the folder, if its bytes are the expected ones; else leave it."""
        expected = self._expected
        known = expected.sha256 or expected.git_sha1
        if known and candidate.is_file() and not self._path.exists() and self._fault(candidate) is None:
            candidate.replace(self._path)

    def run(self, arrived: Callable[[int], None], stop: threading.Event) -> LockedFile:
        """Bring the file into the folder; `arrived` is told the bytes that are there.

        Raises NoSource when no source gave it, WrongHash (the bytes are gone), DiskFull (likewise), PullCancelled.
        """
        continued = self.here > 0
        while True:
            continued = self._bring(arrived, stop) or continued
            try:
                return self._verified()
            except WrongHash:
                if not continued:
                    raise
                continued = False  # what was there before was of another version: once more, from the start

    def _bring(self, arrived: Callable[[int], None], stop: threading.Event) -> bool:
        """Complete the file; returns whether it was put together from several sources."""
        mixed = False
        while not self._path.exists():
            try:
                self._download(arrived, stop)
            except SourceFailed as error:
                self._failed.append(error)
                self._source, self._expected = self._next_source()
                mixed = mixed or self._part.exists()
        arrived(self._path.stat().st_size)
        return mixed

    def _next_source(self) -> tuple[Source, _Expected]:
        """The next source that has the file, and what it must be. Raises NoSource, HashConflict or SizeConflict."""
        for source in self._sources:
            try:
                stated = source.stated(self._entry, self._file)
                return source, self._agree(source, stated)
            except SourceFailed as error:
                _log.info("source passed over", model=self._entry.name, file=self._file.name, why=error.message)
                self._failed.append(error)
        reasons = " ".join(dict.fromkeys(error.message for error in self._failed))
        remedy = next((error.remedy for error in self._failed if error.remedy), "")
        raise NoSource(f"{self._entry.name}: {self._file.name} could not be had. {reasons}", remedy=remedy)

    def _agree(self, source: Source, stated: Stated) -> _Expected:
        """Join what catalogue, lock and source say. They may be silent, but not contradict each other."""
        where = source.where(self._entry, self._file)
        sizes = {"models.lock": self._locked and self._locked.bytes, "the catalogue": self._file.bytes}
        hashes = {"models.lock": self._locked and self._locked.sha256, "the catalogue": self._file.sha256}
        for authority, size in sizes.items():
            if size and stated.bytes and size != stated.bytes:
                raise SizeConflict(self._says(authority, f"{size} bytes", where, f"{stated.bytes} bytes"))
        for authority, sha256 in hashes.items():
            if sha256 and stated.sha256 and sha256 != stated.sha256:
                raise HashConflict(self._says(authority, f"SHA-256 {sha256}", where, stated.sha256))
        known = hashes["models.lock"] or hashes["the catalogue"]
        if not (known or stated.sha256 or stated.git_sha1 or source.trusted):
            raise SourceFailed(f"{where} has the file, but no one states its hash.")
        agreed: list[Authority] = ["catalogue"] if self._file.sha256 else []
        agreed += ["hub"] if stated.sha256 or stated.git_sha1 else []
        return _Expected(
            sizes["models.lock"] or sizes["the catalogue"] or stated.bytes,
            known or stated.sha256,
            stated.git_sha1,
            tuple(agreed) or ("first use",),
        )

    def _says(self, authority: str, first: str, where: str, second: str) -> str:
        return f"{self._entry.name}/{self._file.name}: {authority} says {first}, {where} says {second}. Not downloaded."

    def _download(self, arrived: Callable[[int], None], stop: threading.Event) -> None:
        """Fill the part and give it its name. As long as each attempt brings something, a broken one is resumed."""
        while True:
            before = self._part.stat().st_size if self._part.exists() else 0
            if self.bytes and before >= self.bytes:
                break
            try:
                with self._source.open(self._entry, self._file, before) as body:
                    self._append(body, arrived, stop)
                break
            except SourceFailed:
                if not self._part.exists() or self._part.stat().st_size <= before:
                    raise
        self._part.replace(self._path)

    def _append(self, body: Body, arrived: Callable[[int], None], stop: threading.Event) -> None:
        try:
            with self._part.open("r+b" if body.offset else "wb") as file:
                file.seek(body.offset)
                for chunk in body.chunks:
                    if stop.is_set():
                        raise PullCancelled(f"{self._entry.name}: stopped.", remedy="The next pull goes on from there.")
                    _write(file, chunk)
                    arrived(file.tell())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._part.unlink(missing_ok=True)
            raise DiskFull(
                f"The disk is full: {self._file.name} of {self._entry.name} could not be written.",
                remedy="Free some space and pull again; nothing half-written was left.",
            ) from error

    def _verified(self) -> LockedFile:
        where = self._source.where(self._entry, self._file)
        fault = self._fault(self._path)
        if fault is not None:
            self._path.unlink()
            raise WrongHash(
                f"{self._entry.name}/{self._file.name} from {where} is not the file it should be: "
                f"expected {fault[0]}, came {fault[1]}. It was thrown away.",
                remedy="Try again; if it happens twice, choose another source with `--from` or `models.sources`.",
            )
        return LockedFile(
            bytes=self._path.stat().st_size,
            sha256=sha256_of(self._path),
            agreed=self._expected.agreed,
            source=where,
        )

    def _fault(self, path: Path) -> tuple[str, str] | None:
        """What was expected of the bytes and what they are, None when they are right."""
        expected, size = self._expected, path.stat().st_size
        if expected.bytes and size != expected.bytes:
            return f"{expected.bytes} bytes", f"{size} bytes"
        if expected.sha256 and (sha256 := sha256_of(path)) != expected.sha256:
            return f"SHA-256 {expected.sha256}", sha256
        if expected.git_sha1 and (sha1 := _git_sha1_of(path)) != expected.git_sha1:
            return f"git hash {expected.git_sha1}", sha1
        return None


def _write(file: BinaryIO, chunk: bytes) -> None:
    file.write(chunk)


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hex, reading it in pieces."""
    return _hashed(path, hashlib.sha256())


def _git_sha1_of(path: Path) -> str:
    return _hashed(path, hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False))


def _hashed(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
