"""The cache's file: vectors in SQLite, within a limit of bytes; what is coldest goes first.

What goes wrong is logged and done without. Which keys it may have is known without a look into it.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from services.embedding.bloom import BloomFilter
from services.embedding.heat import warmed
from shared.logs import get_logger

__all__ = ["FEWER", "OVERHEAD", "CacheFile", "Kept"]

_log = get_logger("embedding")

OVERHEAD = 512
"""Bytes that an entry costs beside its vector, as measured in memory and on disk."""
FEWER = 0.9
"""How full a cache is after coldest entries went."""
_VERSION = 2
_BYTES_A_BIT = 64
"""Of the room on disk; some 32 bits for each vector that it takes."""
_ASKED_AT_ONCE = 500
_LOCKED_S = 1.0
"""How long another process may hold the file before this one goes on without it."""
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
PRAGMA cache_size = -512;
CREATE TABLE IF NOT EXISTS vector (
    key BLOB PRIMARY KEY, row BLOB NOT NULL, tokens INTEGER NOT NULL, truncated INTEGER NOT NULL, heat REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS heat ON vector (heat);
PRAGMA user_version = {_VERSION};
"""


class Kept(NamedTuple):
    """A vector and what was said with it."""

    row: bytes
    tokens: int
    truncated: bool


class CacheFile:
    """See the module; at most `limit` bytes. Everything blocks, on one thread."""

    def __init__(self, file: Path, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._database: sqlite3.Connection | None = None
        self._given_up = False
        self._size = 0
        self._known = self._nothing()
        self._added = 0
        """Keys that were made known since they were last read from the file."""

    def may_have(self, key: bytes) -> bool:
        """Whether it is worth reading: False for what is not there."""
        return self._database is not None and key in self._known

    def keys(self) -> set[bytes]:
        """Return all that there are."""
        return {key for key, *_ in self._run("SELECT key FROM vector", ())}

    def open(self) -> None:
        """Learn which keys there are; a file that is not there yet is made with the first entry."""
        if self._file.exists():
            self._connected()

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Kept]:
        """Return those that are there."""
        found: dict[bytes, Kept] = {}
        for first in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[first : first + _ASKED_AT_ONCE]
            holes = ",".join("?" * len(some))
            rows = self._run(f"SELECT key, row, tokens, truncated FROM vector WHERE key IN ({holes})", some)  # noqa: S608
            found |= {key: Kept(row, tokens, bool(truncated)) for key, row, tokens, truncated in rows}
        return found

    def write(self, entries: Mapping[bytes, Kept], used: Mapping[bytes, float]) -> None:
        """Add entries, and warm those that were used, in one transaction; make room when it is full."""
        if not (entries or (used and self._database)) or not self._connected():
            return
        assert self._database is not None
        now = time.time()
        try:
            with self._database:
                for key, kept in entries.items():
                    self._insert(key, kept, now)
                for key, at in used.items():
                    self._warm(key, at)
                if self._size > self._limit:
                    self._cool()
        except sqlite3.Error as error:
            self._give_up(error)

    def clear(self) -> None:
        """Lose everything, beyond recovery."""
        self._known, self._added = self._nothing(), 0
        self._size = 0
        for sql in ("DELETE FROM vector", "PRAGMA wal_checkpoint(TRUNCATE)"):
            self._run(sql, ())

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _connected(self) -> bool:
        """Open the file unless it is open or was given up; returns whether it can be used."""
        if self._database is not None or self._given_up:
            return self._database is not None
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._connect()
            self._know(self._database)
            query = "SELECT coalesce(sum(length(row) + ?), 0) FROM vector"
            (self._size,) = self._database.execute(query, (OVERHEAD,)).fetchone()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return False
        return True

    def _connect(self) -> sqlite3.Connection:
        """Open the file; one that is damaged or of another version is only a cache, and begun anew."""
        try:
            return self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=_LOCKED_S, isolation_level=None, check_same_thread=False)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"it is of version {version}")
            database.executescript(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        database.isolation_level = "DEFERRED"
        return database

    def _nothing(self) -> BloomFilter:
        return BloomFilter(self._limit // _BYTES_A_BIT)

    def _know(self, database: sqlite3.Connection) -> None:
        """Learn which keys there are, and forget those that are not."""
        known = self._nothing()
        for (key,) in database.execute("SELECT key FROM vector"):
            known.add(key)
        self._known, self._added = known, 0

    def _run(self, sql: str, values: Sequence[bytes]) -> list[tuple[bytes, bytes, int, int]]:
        if self._database is None:
            return []
        try:
            with self._database:
                return self._database.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return []

    def _insert(self, key: bytes, kept: Kept, now: float) -> None:
        """Add what is not there; another process may have added the same."""
        assert self._database is not None
        row = (key, kept.row, kept.tokens, kept.truncated, warmed(-math.inf, now))
        if self._database.execute("INSERT OR IGNORE INTO vector VALUES (?, ?, ?, ?, ?)", row).rowcount:
            self._size += len(kept.row) + OVERHEAD
        self._known.add(key)
        self._added += 1

    def _warm(self, key: bytes, at: float) -> None:
        assert self._database is not None
        row = self._database.execute("SELECT heat FROM vector WHERE key = ?", (key,)).fetchone()
        if row is not None:
            self._database.execute("UPDATE vector SET heat = ? WHERE key = ?", (warmed(row[0], at), key))

    def _cool(self) -> None:
        """Delete the coldest until there is room again."""
        assert self._database is not None
        goal = self._limit * FEWER
        gone = []
        for key, size in self._database.execute("SELECT key, length(row) FROM vector ORDER BY heat"):
            if self._size <= goal:
                break
            gone.append((key,))
            self._size -= size + OVERHEAD
        self._database.executemany("DELETE FROM vector WHERE key = ?", gone)
        (there,) = self._database.execute("SELECT count(*) FROM vector").fetchone()
        if self._added > there:  # those that went are known still
            self._know(self._database)

    def _give_up(self, error: Exception) -> None:
        """Go on without the file until the next start."""
        _log.warning("vectors are not kept on disk", file=str(self._file), why=str(error))
        self._given_up = True
        self.close()
