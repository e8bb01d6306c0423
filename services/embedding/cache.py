"""The cache: vectors that were computed before, in memory and then on disk, under a hash of all that made them.

It holds no texts, only hashes and vectors, within limits of bytes; what is coldest goes first (see `heat`). A cache
that cannot be read, is full or comes from another version is begun anew or done without: it never fails a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar, TypeVarTuple

from services.embedding.bloom import BloomFilter
from services.embedding.heat import warmed
from services.embedding.port import Info, Purpose
from shared.logs import get_logger

__all__ = ["Cache", "Kept", "key_of"]

_log = get_logger("embedding")

_VERSION = 2
_OVERHEAD = 512
"""Bytes that an entry costs beside its vector, as measured in memory and on disk."""
_BYTES_A_BIT = 64
"""Of the room on disk; some 32 bits for each vector that it takes."""
_FEWER = 0.9
"""How full it is after coldest entries went."""
_ASKED_AT_ONCE = 500
_GATHERED_S = 0.5
"""How long new vectors are gathered before they are written together; what is lost with the process is only a cache."""
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

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Kept(NamedTuple):
    """A vector and what was said with it."""

    row: bytes
    tokens: int
    truncated: bool


def key_of(info: Info, purpose: Purpose, text: str) -> bytes:
    """Return what stands for all that can change the vector."""
    named = f"{info.fingerprint}\0{purpose}\0{text}"
    return hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Cache:
    """See the module. Belongs to the event loop; the file has a thread of its own, and None is no file."""

    def __init__(self, *, memory_bytes: int, disk_bytes: int, file: Path | None) -> None:
        self._memory = _Memory(memory_bytes)
        self._disk = _Disk(file, disk_bytes) if file is not None and disk_bytes else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed-cache")
        self._unwritten: dict[bytes, Kept] = {}
        self._used: dict[bytes, float] = {}
        self._writing: asyncio.Future[None] | None = None
        self._due: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Learn which keys are on disk."""
        if self._disk is not None:
            await self._on_thread(self._disk.open)

    async def close(self) -> None:
        """Write what is not on disk yet."""
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._disk is not None:
            await self._on_thread(self._disk.write, self._unwritten, self._used)
            await self._on_thread(self._disk.close)
        self._thread.shutdown(wait=False)

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, Kept]:
        """Return those that are known, from memory if they are there."""
        found = {key: kept for key in keys if (kept := self._memory.get(key)) is not None}
        if self._disk is None:
            return found
        for key in found:
            self._used[key] = time.time()
        elsewhere = [key for key in keys if key not in found and self._disk.may_have(key)]
        if elsewhere:
            old = await self._on_thread(self._disk.read, elsewhere)
            for key, kept in old.items():
                self._memory.put(key, kept)
                self._used[key] = time.time()
            found |= old
        return found

    def remembered(self, keys: Sequence[bytes]) -> list[Kept] | None:
        """Return all of them, if memory has all of them."""
        found = [kept for key in keys if (kept := self._memory.get(key)) is not None]
        if len(found) < len(keys):
            return None
        if self._disk is not None:
            now = time.time()
            for key in keys:
                self._used[key] = now
        return found

    def put(self, entries: Mapping[bytes, Kept]) -> None:
        """Keep new ones; they are written to disk beside."""
        for key, kept in entries.items():
            self._memory.put(key, kept)
        if self._disk is not None:
            self._unwritten |= entries
            if self._writing is None and self._due is None:
                self._due = asyncio.get_running_loop().call_later(_GATHERED_S, self._write)

    async def clear(self) -> int:
        """Lose everything, on disk too and beyond recovery; returns how many vectors there were."""
        stored = await self._on_thread(self._disk.keys) if self._disk is not None else set()
        count = len(self._memory.keys | stored | self._unwritten.keys())
        self._memory.drop(self._memory.keys)
        self._unwritten, self._used = {}, {}
        if self._disk is not None:
            await self._on_thread(self._disk.clear)
        return count

    def _write(self) -> None:
        assert self._disk is not None
        self._due = None
        entries, used = self._unwritten, self._used
        self._unwritten, self._used = {}, {}
        self._writing = self._on_thread(self._disk.write, entries, used)
        self._writing.add_done_callback(self._written)

    def _written(self, _: asyncio.Future[None]) -> None:
        self._writing = None
        if self._unwritten:
            self._due = asyncio.get_running_loop().call_later(_GATHERED_S, self._write)

    def _on_thread(self, work: Callable[[*Args], T], *arguments: *Args) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


class _Memory:
    """The entries in memory and how warm each is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[bytes, Kept] = {}
        self._heat: dict[bytes, float] = {}
        self._size = 0

    @property
    def keys(self) -> set[bytes]:
        return set(self._entries)

    def get(self, key: bytes) -> Kept | None:
        kept = self._entries.get(key)
        if kept is not None:
            self._heat[key] = warmed(self._heat[key], time.time())
        return kept

    def put(self, key: bytes, kept: Kept) -> None:
        self.drop((key,))
        self._entries[key] = kept
        self._heat[key] = warmed(-math.inf, time.time())
        self._size += len(kept.row) + _OVERHEAD
        if self._size > self._limit:
            self._cool()

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            kept = self._entries.pop(key, None)
            if kept is not None:
                del self._heat[key]
                self._size -= len(kept.row) + _OVERHEAD

    def _cool(self) -> None:
        for key in sorted(self._heat, key=self._heat.__getitem__):
            if self._size <= self._limit * _FEWER:
                break
            self.drop((key,))


class _Disk:
    """The entries in a SQLite file. Everything blocks, on one thread; what goes wrong is logged and done without."""

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
        self._known, self._added = self._nothing(), 0
        self._size = 0
        for sql in ("DELETE FROM vector", "PRAGMA wal_checkpoint(TRUNCATE)"):
            self._run(sql, ())

    def close(self) -> None:
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
            (self._size,) = self._database.execute(query, (_OVERHEAD,)).fetchone()
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
            self._size += len(kept.row) + _OVERHEAD
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
        goal = self._limit * _FEWER
        gone = []
        for key, size in self._database.execute("SELECT key, length(row) FROM vector ORDER BY heat"):
            if self._size <= goal:
                break
            gone.append((key,))
            self._size -= size + _OVERHEAD
        self._database.executemany("DELETE FROM vector WHERE key = ?", gone)
        (there,) = self._database.execute("SELECT count(*) FROM vector").fetchone()
        if self._added > there:  # those that went are known still
            self._know(self._database)

    def _give_up(self, error: Exception) -> None:
        """Go on without the file until the next start."""
        _log.warning("vectors are not kept on disk", file=str(self._file), why=str(error))
        self._given_up = True
        self.close()
