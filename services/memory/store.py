"""The store: one SQLite file that holds the truth about what is remembered.

What is kept, superseded or deleted is one transaction with the words' index and the outbox, so that after a crash at
any moment they agree. Deleted text is overwritten in the file, its words in the index too, and the log beside the file
is emptied. All methods block; one thread at a time uses a store, several stores may share the file.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from services.memory.conversations import Conversations
from services.memory.database import Database
from services.memory.item import Item
from services.memory.words import content, coverage, match
from shared.events import TurnName

__all__ = ["Document", "Kept", "Pending", "Stats", "Store"]

_COLUMNS = ", ".join(field.name for field in fields(Item))
_LIVE = "state = 'live' AND (expires = 0 OR expires > ?)"
_COMMON = 1000
"""A word that more items have is looked for only beside rarer ones."""
_MANY = 500
"""Parameters of one statement; SQLite takes more, older ones 999."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file whose passages are kept."""

    path: str
    sha256: str
    modified: int
    """Unix ns."""
    passages: int
    linked_in: str = ""
    """The watched folder whose link led to it; empty for one that lies there, or that a person added."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An item that is there now, and those that it superseded."""

    item: Item
    replaced: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A line of the outbox: the vectors have yet to put or drop an item."""

    number: int
    item: str
    does: str


@dataclass(frozen=True, slots=True)
class Stats:
    """How much is remembered."""

    facts: int
    turns: int
    documents: int
    passages: int
    superseded: int
    outbox: int
    bytes: int
    oldest: int
    """Unix ns; 0 when nothing is remembered."""


class Store:
    """`path` is the file, made with its folder when missing. Raises MemoryDamaged or MemoryFull."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self._connection = self._database.connection
        self._writing, self._errors = self._database.writing, self._database.errors
        self.conversations = Conversations(self._database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ---- keeping

    def keep(self, item: Item) -> Kept:
        """Keep an item; live facts of its slot are superseded. One whose id is there already is left as it is."""
        with self._writing() as sql:
            there = self._one("id = ?", item.id)
            if there is not None:
                return Kept(there)
            replaced = self._supersede(item) if item.slot else ()
            same = next((old for old in replaced if old.text == item.text), None)
            self._insert(sql, item)
            return Kept(item, tuple(old for old in replaced if old is not same))

    def correct(self, old: str, new: Item) -> Kept | None:
        """Keep `new` in the place of the live fact `old`; None when that is not there any more."""
        with self._writing() as sql:
            there = self._one("id = ?", new.id)
            if there is not None:
                return Kept(there)
            before = self._one("id = ? AND state = 'live'", old)
            if before is None:
                return None
            self._mark(before)
            others = self._supersede(new) if new.slot else ()
            self._insert(sql, new)
            return Kept(new, (before, *others))

    def keep_document(self, document: Document, passages: Sequence[Item]) -> int:
        """Keep a file's passages in the place of those that were kept of it; returns how many are new.

        A passage that did not change keeps its id, and its vector with it. What the file holds counts as forgotten no
        longer.
        """
        with self._writing() as sql:
            there = {row[0] for row in sql.execute("SELECT id FROM items WHERE source = ?", (document.path,))}
            wanted = {item.id for item in passages}
            sql.executemany("DELETE FROM items WHERE id = ?", [(id_,) for id_ in there - wanted])
            new = [item for item in passages if item.id not in there]
            for item in new:
                self._insert(sql, item)
            sql.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", astuple(document))
            sql.execute("DELETE FROM forgotten WHERE file = ?", (_trace(document.path, document.sha256),))
        if there - wanted:
            self._tidy()
        return len(new)

    def restore(self, items: Iterable[Item]) -> int:
        """Keep items as they were, superseded ones too; returns how many were not there yet."""
        with self._writing() as sql:
            new = [item for item in items if self._one("id = ?", item.id) is None]
            for item in new:
                newer = item.slot and self._one("slot = ? AND state = 'live' AND at > ?", item.slot, item.at)
                if item.state == "live" and item.slot and not newer:
                    self._supersede(item)
                self._insert(sql, replace(item, state="superseded") if newer else item)
        return len(new)

    def _supersede(self, item: Item) -> tuple[Item, ...]:
        old = self._all("slot = ? AND what = 'fact' AND state = 'live' AND id != ?", item.slot, item.id)
        for before in old:
            self._mark(before)
        return tuple(old)

    def _mark(self, item: Item) -> None:
        """Supersede a fact, and the turns that say its value about the same."""
        sql = self._connection
        sql.execute("UPDATE items SET state = 'superseded' WHERE id = ?", (item.id,))
        asked = [*content(item.key), *content(item.value)]
        if not item.value or not asked:
            return
        for turn in self._found(match(asked, every=True), "what = 'turn' AND state = 'live'"):
            sql.execute("UPDATE items SET state = 'superseded' WHERE id = ?", (turn.id,))

    @staticmethod
    def _insert(sql: sqlite3.Connection, item: Item) -> None:
        marks = ", ".join("?" * len(fields(Item)))
        sql.execute(f"INSERT INTO items ({_COLUMNS}) VALUES ({marks})", astuple(item))  # noqa: S608 (our own names)

    # ---- finding

    def get(self, ids: Sequence[str], now: int) -> dict[str, Item]:
        """Return those of the items that are live, by id."""
        found: dict[str, Item] = {}
        for some in _slices(ids):
            marks = ", ".join("?" * len(some))
            found.update((item.id, item) for item in self._all(f"id IN ({marks}) AND {_LIVE}", *some, now))
        return found

    def search(self, words: Sequence[str], now: int, *, what: Sequence[str] = (), limit: int = 24) -> list[Item]:
        """Return live items that have any of the words, by BM25, the best first."""
        if not words:
            return []
        rare = [word for word in words if not self._is_common(word)]
        query = match(rare or list(words), every=not rare)
        kinds = f" AND what IN ({', '.join('?' * len(what))})" if what else ""
        if kinds:
            return self._found(query, _LIVE + kinds, now, *what, limit=limit)
        columns = ", ".join(f"items.{field.name}" for field in fields(Item))
        return self._items(
            f"SELECT {columns} FROM (SELECT rowid AS found, rank AS score FROM words WHERE words MATCH ? "  # noqa: S608
            f"ORDER BY rank LIMIT ?) JOIN items ON items.number = found WHERE {_LIVE} ORDER BY score",
            (query, limit, now),
        )

    def _is_common(self, word: str) -> bool:
        """Whether so many items have the word that ranking them all would take too long, and say little."""
        with self._errors():
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            return bool(self._connection.execute(query, (match([word]), _COMMON + 1)).fetchone()[0] > _COMMON)

    def about(self, text: str) -> list[Item]:
        """Return every fact and turn, superseded ones too, that has all words of the text."""
        words = content(text)
        items = self._all("what IN ('fact', 'turn')")
        return [item for item in items if words and coverage(words, f"{item.key} {item.text}") == 1.0]

    def facts(self, now: int, *, limit: int = 1000) -> list[Item]:
        """Return the live facts, the newest first."""
        return self._all(f"what = 'fact' AND {_LIVE} ORDER BY at DESC, number DESC LIMIT {limit:d}", now)

    def topic(self, topic: str, now: int) -> list[Item]:
        """Return the live facts about exactly this, the newest first."""
        return self._all(f"topic = ? AND what = 'fact' AND {_LIVE} ORDER BY at DESC, number DESC", topic, now)

    def turn(self, session: str, turn: int) -> list[Item]:
        """Return what was kept in one turn."""
        return self._all("session = ? AND turn = ?", session, turn)

    def turns(self, names: Sequence[TurnName]) -> list[Item]:
        """Return what was heard in these turns."""
        return [item for name in names for item in self.turn(name.session, name.turn) if item.what == "turn"]

    def since(self, moment: int) -> list[Item]:
        """Return the facts and turns from a moment (unix ns) on."""
        return self._all("what != 'document' AND at >= ?", moment)

    def passages(self, path: str) -> list[Item]:
        """Return what is kept of a file."""
        return self._all("what = 'document' AND source = ?", path)

    def named(self, ids: Sequence[str]) -> list[Item]:
        """Return the items with these ids, live or superseded, and all facts that they superseded."""
        found = {item.id: item for some in _slices(ids) for item in self._all(f"id IN ({_marks(some)})", *some)}
        slots = sorted({item.slot for item in found.values() if item.slot})
        for some in _slices(slots):
            found.update((item.id, item) for item in self._all(f"slot IN ({_marks(some)})", *some))
        return list(found.values())

    def everything(self, *, what: Sequence[str] = ()) -> Iterator[Item]:
        """Yield all items, superseded ones too, the oldest first."""
        condition = f"what IN ({_marks(what)})" if what else "TRUE"
        last = 0
        while True:
            query = f"SELECT number, {_COLUMNS} FROM items WHERE {condition} AND number > ? ORDER BY number LIMIT 1000"  # noqa: S608
            with self._errors():
                rows = self._connection.execute(query, (*what, last)).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (Item(*row[1:]) for row in rows)

    def _found(self, query: str, condition: str, *values: object, limit: int = -1) -> list[Item]:
        columns = ", ".join(f"items.{field.name}" for field in fields(Item))
        return self._items(
            f"SELECT {columns} FROM words JOIN items ON items.number = words.rowid "  # noqa: S608 (our own names)
            f"WHERE words MATCH ? AND {condition} ORDER BY words.rank LIMIT ?",
            (query, *values, limit),
        )

    # ---- deleting

    def delete(self, ids: Sequence[str]) -> int:
        """Delete items, so that no byte of their text stays in the file; returns how many there were."""
        with self._writing() as sql:
            gone = sum(sql.execute("DELETE FROM items WHERE id = ?", (id_,)).rowcount for id_ in ids)
        if gone:
            self._tidy()
        return gone

    def delete_document(self, path: str, *, forget: bool = False) -> int:
        """Delete a file's passages; returns how many there were. With `forget`, what it held is known as forgotten."""
        with self._writing() as sql:
            if forget:
                self._leave_traces(sql, [document for document in self.documents() if document.path == path])
            gone = sql.execute("DELETE FROM items WHERE what = 'document' AND source = ?", (path,)).rowcount
            sql.execute("DELETE FROM documents WHERE path = ?", (path,))
        if gone:
            self._tidy()
        return gone

    def clear(self) -> int:
        """Delete everything; returns how many items there were. What the documents held is known as forgotten."""
        with self._writing() as sql:
            self._leave_traces(sql, self.documents())
            gone = sql.execute("DELETE FROM items WHERE TRUE").rowcount
            sql.execute("DELETE FROM documents")
        self._tidy()
        return gone

    def expire(self, now: int, *, turns_before: int = 0, facts_before: int = 0) -> list[str]:
        """Delete what is past its time; returns the ids."""
        condition = "(expires != 0 AND expires <= ?) OR (what = 'turn' AND at < ?) OR (what = 'fact' AND at < ?)"
        ids = [item.id for item in self._all(condition, now, turns_before, facts_before)]
        self.delete(ids)
        return ids

    @staticmethod
    def _leave_traces(sql: sqlite3.Connection, documents: Sequence[Document]) -> None:
        traces = [(_trace(document.path, document.sha256),) for document in documents]
        sql.executemany("INSERT OR IGNORE INTO forgotten VALUES (?)", traces)

    def _tidy(self) -> None:
        """Merge the words' index, which keeps deleted words until then, and empty the log."""
        with self._writing() as sql:
            sql.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._database.tidy()

    # ---- documents

    def documents(self) -> list[Document]:
        """Return the files whose passages are kept, by path."""
        with self._errors():
            return [Document(*row) for row in self._connection.execute("SELECT * FROM documents ORDER BY path")]

    def touch_document(self, path: str, modified: int, linked_in: str) -> None:
        """A file was written anew as it was, or came another way: note when, and by which folder's link."""
        with self._writing() as sql:
            sql.execute("UPDATE documents SET modified = ?, linked_in = ? WHERE path = ?", (modified, linked_in, path))

    def is_forgotten(self, path: str, sha256: str) -> bool:
        """Whether this file was forgotten when it held this, and not added since."""
        with self._errors():
            found = self._connection.execute("SELECT 1 FROM forgotten WHERE file = ?", (_trace(path, sha256),))
            return found.fetchone() is not None

    # ---- the outbox

    def pending(self, limit: int = 64) -> list[Pending]:
        """Return what the vectors have yet to follow, the oldest first."""
        with self._errors():
            rows = self._connection.execute("SELECT number, item, does FROM outbox ORDER BY number LIMIT ?", (limit,))
            return [Pending(*row) for row in rows]

    def done(self, pending: Sequence[Pending]) -> None:
        """The vectors followed: strike these lines."""
        with self._writing() as sql:
            sql.executemany("DELETE FROM outbox WHERE number = ?", [(line.number,) for line in pending])

    def enqueue(self, put: Iterable[str]) -> None:
        """Have the vectors put these."""
        with self._writing() as sql:
            sql.executemany("INSERT INTO outbox (item, does) VALUES (?, 'put')", [(id_,) for id_ in put])

    def anything(self) -> bool:
        """Whether there is any item, or work for the vectors."""
        with self._errors():
            row = self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM items) OR EXISTS (SELECT 1 FROM outbox)"
            ).fetchone()
            return bool(row[0])

    def live_ids(self) -> set[str]:
        """Return the ids of all live items."""
        with self._errors():
            return {row[0] for row in self._connection.execute("SELECT id FROM items WHERE state = 'live'")}

    def stats(self, now: int) -> Stats:
        """Count what is live."""
        with self._errors():
            counts = dict(
                self._connection.execute(f"SELECT what, count(*) FROM items WHERE {_LIVE} GROUP BY what", (now,))  # noqa: S608
            )
            one = self._connection.execute(
                "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM items WHERE state = 'superseded'), "
                "(SELECT count(*) FROM outbox), (SELECT coalesce(min(at), 0) FROM items)"
            ).fetchone()
        size = self.path.stat().st_size
        return Stats(
            counts.get("fact", 0),
            counts.get("turn", 0),
            one[0],
            counts.get("document", 0),
            one[1],
            one[2],
            size,
            one[3],
        )

    # ---- inside

    def _one(self, condition: str, *values: object) -> Item | None:
        return next(iter(self._all(condition, *values)), None)

    def _all(self, condition: str, *values: object) -> list[Item]:
        return self._items(f"SELECT {_COLUMNS} FROM items WHERE {condition}", values)  # noqa: S608 (our own names)

    def _items(self, query: str, values: Sequence[object]) -> list[Item]:
        with self._errors():
            return [Item(*row) for row in self._connection.execute(query, tuple(values))]


def _trace(path: str, sha256: str) -> str:
    """What is kept of a forgotten file: it tells neither where it lies nor what it held."""
    return hashlib.sha256(f"{path}\0{sha256}".encode()).hexdigest()


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
