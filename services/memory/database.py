"""The database: one SQLite file, brought to this version's tables, whose transactions are all or nothing.

All methods block; one thread at a time uses a database, several databases may share the file.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.schema import VERSION, migrate, prepare

__all__ = ["Database"]

_FULL = ("full", "readonly", "disk i/o", "unable to open")
_BUSY = ("locked", "busy")


class Database:
    """`path` is the file, made with its folder when missing. Raises MemoryDamaged or MemoryFull."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise MemoryFull(
                f"Memories cannot be kept in {path}: {error}.", remedy="Make room or choose memory.folder elsewhere."
            ) from error
        try:
            self._open()
        except BaseException:
            self.connection.close()
            raise

    def _open(self) -> None:
        with self.errors():
            prepare(self.connection)
            found = migrate(self.connection)
        if found > VERSION:
            raise MemoryDamaged(
                f"{self.path} was written by a newer Sotto (version {found}, this one knows {VERSION}).",
                remedy="Update Sotto, or choose another memory.folder.",
            )

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing."""
        with self.errors():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever SQLite says is said in our words."""
        try:
            yield
        except sqlite3.Error as error:
            said = str(error).lower()
            if any(word in said for word in _FULL):
                raise MemoryFull(
                    f"Nothing can be written to {self.path}: {error}.",
                    remedy="Make room on the disk or choose memory.folder elsewhere; what was kept is intact.",
                ) from error
            if any(word in said for word in _BUSY):
                raise MemoryFull(f"Another program holds {self.path}: {error}.", remedy="Try again.") from error
            raise MemoryDamaged(
                f"{self.path} cannot be read: {error}.",
                remedy="Move it away and bring back an export with `sotto memory import FILE`.",
            ) from error

    def tidy(self) -> None:
        """Leave no byte of what was deleted: empty the log beside the file."""
        with self.errors():
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
