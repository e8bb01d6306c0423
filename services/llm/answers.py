"""Answers remembered on disk, of which those that are used often and lately stay longest.

The file is SQLite in WAL mode and holds JSON. One that is damaged or of another version is set aside and begun anew.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from shared.errors import SottoError

__all__ = ["AnswerStore", "CacheUnusable", "Kept", "Line"]

_VERSION = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, bytes INTEGER NOT NULL, "
    "hits INTEGER NOT NULL, made REAL NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
)
_WORTH = "hits / (1.0 + (:now - used) / 86400)"
"""Frecency: hits, worth half as much a day after the last one."""

_ERA_BYTES = 16


class CacheUnusable(SottoError):
    """The file of remembered answers cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was told: its pieces, each with the choice it belongs to, and the fields of its response."""

    pieces: tuple[tuple[int, str], ...]
    fields: dict[str, JsonValue]
    made: float = field(default=0.0, compare=False)
    """When, in unix seconds; 0 for now."""


@dataclass(frozen=True, slots=True)
class Line:
    """One remembered answer, in a listing."""

    key: str
    text: str
    bytes: int
    hits: int
    made: float
    used: float


_KEPT = TypeAdapter(Kept)


class AnswerStore:
    """The file. Used by one thread, but for `now`, `is_old` and `era`; opens it at the first use.

    At most `entries` answers and `limit` bytes are kept, none longer than `keep_s` seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        entries: int = 10_000,
        limit: int = 64 << 20,
        keep_s: float = 30 * 86400,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._entries = entries
        self._limit = limit
        self._keep_s = keep_s
        self.now = now
        self._file: sqlite3.Connection | None = None
        self._era: mmap.mmap | None = None

    @property
    def era(self) -> bytes:
        """Another one after everything was forgotten, by whatever process; empty while the file is not open.

        It lies in memory that the processes share, for what is asked at each answer may not wait for a disk.
        """
        era = self._era
        return era[:] if era is not None else b""

    def is_old(self, kept: Kept) -> bool:
        """Whether it is not to be told any more."""
        return kept.made < self.now() - self._keep_s

    def get(self, key: str) -> Kept | None:
        """Return the answer, counting the use."""
        with self._using() as file:
            row = file.execute("SELECT value, made FROM answers WHERE key = ?", (key,)).fetchone()
        try:
            kept = replace(_KEPT.validate_json(row[0]), made=row[1]) if row is not None else None
        except ValidationError:
            return None
        if kept is None or self.is_old(kept):
            return None
        self.count({key: 1})
        return kept

    def count(self, uses: Mapping[str, int]) -> None:
        """Count so many more uses of each answer."""
        now = self.now()
        with self._using() as file:
            file.executemany(
                "UPDATE answers SET hits = hits + ?, used = ? WHERE key = ?",
                [(number, now, key) for key, number in uses.items()],
            )

    def put(self, key: str, kept: Kept) -> None:
        """Remember an answer, forgetting others for it."""
        with self._using() as file:
            now = self.now()
            file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, 1, ?, ?)", _row(key, kept, kept.made or now))
            file.execute("DELETE FROM answers WHERE made < ?", (now - self._keep_s,))
            self._evict(file, now)

    def lines(self) -> list[Line]:
        """All answers, the most used first."""
        with self._using() as file:
            rows = file.execute(
                f"SELECT key, value, bytes, hits, made, used FROM answers ORDER BY {_WORTH} DESC, key",  # noqa: S608
                {"now": self.now()},
            ).fetchall()
        return [Line(key, str(json.loads(value)["fields"].get("text", "")), *rest) for key, value, *rest in rows]

    def clear(self) -> int:
        """Forget everything, and give the disk its space back; returns how many answers there were."""
        with self._using() as file:
            count = file.execute("DELETE FROM answers").rowcount
        with self._using(), self._era_path.open("r+b") as era:
            era.write(os.urandom(_ERA_BYTES))
        with self._using() as file:
            file.execute("VACUUM")
        return count

    def dump(self) -> Iterator[str]:
        """Each answer as a line of JSON, to be taken in elsewhere by `load`."""
        with self._using() as file:
            for key, value, made in file.execute("SELECT key, value, made FROM answers ORDER BY key"):
                yield json.dumps({"key": key, "made": made, "answer": json.loads(value)}, ensure_ascii=False)

    def load(self, lines: Iterable[str]) -> int:
        """Take in lines of `dump`, all or none; returns how many. Raises CacheUnusable naming the first broken one."""
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                kept = _KEPT.validate_python(row["answer"])
                rows.append(_row(str(row["key"]), kept, float(row["made"])))
            except (ValueError, TypeError, KeyError) as error:
                raise CacheUnusable(
                    f"Line {number} is no remembered answer.", remedy="Give a file that `sotto cache export` wrote."
                ) from error
        with self._using() as file:
            file.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, 1, ?, ?)", rows)
            self._evict(file, self.now())
        return len(rows)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
        self._file = self._era = None

    @property
    def _era_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}-era")

    def _evict(self, file: sqlite3.Connection, now: float) -> None:
        """Bring the file within its limits, and a tenth below them, so that it is not done for every answer."""
        count, size = file.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM answers").fetchone()
        if count <= self._entries and size <= self._limit:
            return
        order = f"SELECT key, bytes FROM answers ORDER BY {_WORTH}, key"  # noqa: S608
        for key, each in file.execute(order, {"now": now}).fetchall():
            if count <= self._entries * 0.9 and size <= self._limit * 0.9:
                return
            file.execute("DELETE FROM answers WHERE key = ?", (key,))
            count, size = count - 1, size - each

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._file is None:
                self._file = self._opened()
                self._era = _mapped(self._era_path)
            with self._file:
                yield self._file
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise CacheUnusable(
                f"The remembered answers in {self.path} cannot be used: {error}.", remedy="Run `sotto cache clear`."
            ) from error

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connected()
        except sqlite3.DatabaseError:
            for path in self.path.parent.glob(f"{self.path.name}*"):
                if path != self._era_path and not path.name.endswith(".broken"):
                    path.replace(path.with_name(f"{path.name}.broken"))
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        """The open file, whole and of this version. Raises sqlite3.DatabaseError."""
        file = sqlite3.connect(self.path, timeout=5, check_same_thread=False)
        try:
            version = file.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION) or file.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError(f"version {version}")
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.execute(_SCHEMA)
            file.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error:
            file.close()
            raise
        return file


def _row(key: str, kept: Kept, made: float) -> tuple[str, str, int, float, float]:
    value = _KEPT.dump_json(kept, exclude={"made"})
    return key, value.decode(), len(value), made, made


def _mapped(path: Path) -> mmap.mmap:
    with path.open("a+b") as file:
        if file.tell() < _ERA_BYTES:
            file.truncate(_ERA_BYTES)
        return mmap.mmap(file.fileno(), _ERA_BYTES, access=mmap.ACCESS_READ)
