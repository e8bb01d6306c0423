"""Watching: the documents of watched folders are kept in step with their files.

A link to a file stands for it: the file is kept once, under its own path, and is forgotten when no link of the folder
leads to it any more. Links to folders are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.memory.documents import KNOWN, keep, opened
from services.memory.errors import UnreadableDocument
from services.memory.store import Document, Store

__all__ = ["Watching"]


@dataclass(slots=True)
class _There:
    """What a look at a folder found."""

    files: set[Path] = field(default_factory=set)
    """By their own paths, without links."""
    hidden: list[Path] = field(default_factory=list)
    """What could not be looked at: what lies there may be there or not."""
    problems: list[str] = field(default_factory=list)

    def hide(self, error: OSError, path: Path) -> None:
        self.hidden.append(path)
        self.problems.append(f"{_shown(path)} cannot be read: {error.strerror or error}.")


class Watching:
    """Of `store`. It remembers which files gave nothing, and reads them again only when they were written anew."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._passed: dict[Path, tuple[int, str]] = {}
        """When a file was written that is passed over, and why, in words; nothing for one that was forgotten."""

    def follow(self, folder: Path) -> list[str]:
        """Keep the documents below a folder in step with it; returns what could not be read, in words.

        Files that are gone are forgotten, those of unknown kinds passed over, and those that a person had forgotten
        until they hold something else. Nothing is forgotten below a folder that cannot be read, or that is gone
        itself, as a drive that was taken out. Raises MemoryDamaged or MemoryFull.
        """
        folder = Path(os.path.realpath(folder.expanduser()))
        if not os.path.isdir(folder):  # noqa: PTH112 (is_dir raises where a folder above cannot be entered)
            return [f"{folder} is no folder now. What was read from it is kept until it is back."]
        there = _look(folder)
        kept = {document.path: document for document in self._store.documents()}
        problems = [self._follow(path, kept.get(str(path)), folder) for path in sorted(there.files)]
        for document in kept.values():
            if _is_gone(document, folder, there):
                self._store.delete_document(document.path)
        return [*there.problems, *filter(None, problems)]

    def _follow(self, path: Path, known: Document | None, folder: Path) -> str:
        """Keep one file; returns why it cannot be, or nothing."""
        try:
            modified = path.stat().st_mtime_ns
        except OSError as error:
            return f"{_shown(path)} cannot be read: {error.strerror or error}."
        if known is not None and known.modified == modified:
            return ""
        if path not in self._passed or self._passed[path][0] != modified:
            self._passed.pop(path, None)
            return self._read(path, known, folder)
        return self._passed[path][1]

    def _read(self, path: Path, known: Document | None, folder: Path) -> str:
        try:
            file = opened(path)
        except UnreadableDocument as error:  # permissions change without the file
            return str(error)
        if self._store.is_forgotten(str(path), file.sha256):
            if known is not None:
                self._store.delete_document(str(path))
            self._passed[path] = (file.modified, "")
            return ""
        linked_in = "" if path.is_relative_to(folder) else str(folder)
        try:
            keep(self._store, file, linked_in=linked_in if known is None else known.linked_in)
        except UnreadableDocument as error:
            self._passed[path] = (file.modified, str(error))
            return str(error)
        return ""


def _look(folder: Path) -> _There:
    there = _There()
    for path in _entries(folder, there):
        own = Path(os.path.realpath(path))
        try:
            if stat.S_ISREG(own.stat().st_mode):
                there.files.add(own)
        except FileNotFoundError:
            continue
        except OSError as error:
            there.hide(error, own)
    return there


def _entries(folder: Path, there: _There) -> Iterator[Path]:
    """Everything below the folder that bears the name of a document."""

    def hide(error: OSError) -> None:
        there.hide(error, Path(error.filename))

    for root, _, names in os.walk(folder, onerror=hide):
        yield from (Path(root, name) for name in names if Path(name).suffix.lower() in KNOWN)


def _is_gone(document: Document, folder: Path, there: _There) -> bool:
    path = Path(document.path)
    if path in there.files:
        return False
    if document.linked_in == str(folder):
        return not there.hidden
    return path.is_relative_to(folder) and not any(path.is_relative_to(hidden) for hidden in there.hidden)


def _shown(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")
