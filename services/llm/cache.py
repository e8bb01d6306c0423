"""Answers that are the same again: remembered on disk by everything that can change them, never wrong.

Only strict answers are kept, for only they are the same every time. The file is SQLite in WAL mode and holds JSON. A
file that is damaged or of another version is set aside and begun anew. What is used often and lately stays longest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from shared.errors import SottoError
from shared.events import Event, LlmRequest

__all__ = ["AnswerStore", "CacheUnusable", "Kept", "Line", "ResponseCache", "key_of"]

_VERSION = 1
_IN_MEMORY = 256
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, bytes INTEGER NOT NULL, "
    "hits INTEGER NOT NULL, made REAL NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
)
_WORTH = "hits / (1.0 + (:now - used) / 86400)"
"""Frecency: hits, worth half as much a day after the last one."""

_WITHOUT_EFFECT = frozenset({*Event.model_fields, "priority", "deadline_ms"})
"""Fields of a request that change when an answer comes, not which."""


class CacheUnusable(SottoError):
    """The file of remembered answers cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was told: its pieces, each with the choice it belongs to, and the fields of its response."""

    pieces: tuple[tuple[int, str], ...]
    fields: dict[str, JsonValue]


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


def key_of(request: LlmRequest, surroundings: Iterable[str]) -> str:
    """Hash everything that can change the answer: every field of the request that says what, and `surroundings`."""
    fields = request.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT))
    text = json.dumps([fields, *surroundings], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class AnswerStore:
    """The file. Used by one thread; opens it at the first use.

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
        self._now = now
        self._file: sqlite3.Connection | None = None

    def get(self, key: str) -> Kept | None:
        """Return the answer, counting the hit."""
        with self._using() as file:
            row = file.execute("SELECT value, made FROM answers WHERE key = ?", (key,)).fetchone()
            if row is None or row[1] < self._now() - self._keep_s:
                return None
            file.execute("UPDATE answers SET hits = hits + 1, used = ? WHERE key = ?", (self._now(), key))
        try:
            return _KEPT.validate_json(row[0])
        except ValidationError:
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Remember an answer, forgetting others for it."""
        value, now = _KEPT.dump_json(kept).decode(), self._now()
        with self._using() as file:
            file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, 1, ?, ?)", (key, value, len(value), now, now))
            file.execute("DELETE FROM answers WHERE made < ?", (now - self._keep_s,))
            self._evict(file, now)

    def lines(self) -> list[Line]:
        """All answers, the most used first."""
        with self._using() as file:
            rows = file.execute(
                f"SELECT key, value, bytes, hits, made, used FROM answers ORDER BY {_WORTH} DESC, key",  # noqa: S608
                {"now": self._now()},
            ).fetchall()
        return [Line(key, str(json.loads(value)["fields"].get("text", "")), *rest) for key, value, *rest in rows]

    def clear(self) -> int:
        """Forget everything, and give the disk its space back; returns how many answers there were."""
        with self._using() as file:
            count = file.execute("DELETE FROM answers").rowcount
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
                rows.append((str(row["key"]), kept, float(row["made"])))
            except (ValueError, TypeError, KeyError) as error:
                raise CacheUnusable(
                    f"Line {number} is no remembered answer.", remedy="Give a file that `sotto cache export` wrote."
                ) from error
        with self._using() as file:
            for key, kept, made in rows:
                value = _KEPT.dump_json(kept).decode()
                file.execute(
                    "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, 1, ?, ?)", (key, value, len(value), made, made)
                )
            self._evict(file, self._now())
        return len(rows)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

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
                if not path.name.endswith(".broken"):
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


class ResponseCache:
    """The store behind a memory of the latest answers, on a thread of its own; used on one event loop.

    Requests of the same key run once: whoever asks while the first is computed waits for it.
    """

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="llm-cache")
        self._latest: OrderedDict[str, Kept] = OrderedDict()
        self._making: dict[str, asyncio.Future[Kept | None]] = {}
        self._unwanted: set[str] = set()

    async def find(self, key: str) -> Kept | None:
        """Return the answer, waiting while another makes it; None when the caller is to make it and say `made`.

        Raises CacheUnusable, and then nobody is to wait.
        """
        while True:
            latest = self._latest.get(key)
            if latest is not None:
                self._latest.move_to_end(key)
                return latest
            making = self._making.get(key)
            if making is None:
                break
            found = await asyncio.shield(making)
            if found is not None:
                return found
        future = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._store.get, key)
        except BaseException:
            self._done(key, None)
            raise
        if found is not None and key not in self._unwanted:
            self._remember(key, found)
        if found is not None:
            self._done(key, found)
        assert found is not None or not future.done()
        return found

    def made(self, key: str, kept: Kept | None) -> None:
        """Say what came of it: an answer to remember, or None, and then one who waits makes it in its turn."""
        if kept is not None and key not in self._unwanted:
            self._remember(key, kept)
            self._thread.submit(self._write, key, kept)
        self._done(key, kept)

    async def forget(self) -> int:
        """Forget all answers, also those that are being made; returns how many there were. Raises CacheUnusable."""
        self._latest.clear()
        self._unwanted |= set(self._making)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store.clear)

    async def close(self) -> None:
        """Write what is to be written and let the file go."""
        self._thread.submit(self._store.close)
        await asyncio.to_thread(self._thread.shutdown)

    def _write(self, key: str, kept: Kept) -> None:
        with contextlib.suppress(CacheUnusable):  # the answer was given; it is computed again another time
            self._store.put(key, kept)

    def _remember(self, key: str, kept: Kept) -> None:
        self._latest[key] = kept
        if len(self._latest) > _IN_MEMORY:
            self._latest.popitem(last=False)

    def _done(self, key: str, kept: Kept | None) -> None:
        self._unwanted.discard(key)
        future = self._making.pop(key, None)
        if future is not None and not future.done():
            future.set_result(kept)
