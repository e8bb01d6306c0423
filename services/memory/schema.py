"""The tables, and the steps from each version of them to the next.

The words are FTS5's index over the live items, held in step by triggers; the outbox names what the vectors have yet to
follow. `secure_delete` overwrites what is deleted. A conversation goes on through several sessions; `summarised` is the
number of the last exchange that its summary tells of. What an answer rested on is a list of items in JSON. A document's
`linked_in` is the watched folder whose link led to it, empty for any other. A forgotten file is one hash, of its path
and what it held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

__all__ = ["VERSION", "migrate", "prepare"]

_FIRST = """
CREATE TABLE items (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    what TEXT NOT NULL CHECK (what IN ('turn', 'fact', 'document')),
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    slot TEXT NOT NULL,
    topic TEXT NOT NULL,
    language TEXT NOT NULL,
    session TEXT NOT NULL,
    turn INTEGER NOT NULL,
    speaker TEXT NOT NULL,
    source TEXT NOT NULL,
    place TEXT NOT NULL,
    expires INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'superseded'))
) STRICT;
CREATE INDEX items_by_slot ON items (slot) WHERE slot != '';
CREATE INDEX items_by_topic ON items (topic) WHERE topic != '';
CREATE INDEX items_by_turn ON items (session, turn);
CREATE INDEX items_by_time ON items (at);
CREATE INDEX items_by_source ON items (source) WHERE what = 'document';
CREATE INDEX items_by_expiry ON items (expires) WHERE expires != 0;

CREATE TABLE documents (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    modified INTEGER NOT NULL,
    passages INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    item TEXT NOT NULL,
    does TEXT NOT NULL CHECK (does IN ('put', 'drop'))
) STRICT;

CREATE VIRTUAL TABLE words USING fts5 (
    text, content='items', content_rowid='number', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER items_come AFTER INSERT ON items WHEN new.state = 'live' BEGIN
    INSERT INTO words (rowid, text) VALUES (new.number, new.text);
    INSERT INTO outbox (item, does) VALUES (new.id, 'put');
END;
CREATE TRIGGER items_go AFTER DELETE ON items WHEN old.state = 'live' BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.number, old.text);
    INSERT INTO outbox (item, does) VALUES (old.id, 'drop');
END;
CREATE TRIGGER items_are_superseded AFTER UPDATE OF state ON items
WHEN old.state = 'live' AND new.state = 'superseded' BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.number, old.text);
    INSERT INTO outbox (item, does) VALUES (old.id, 'drop');
END;
"""

_CONVERSATIONS = """
CREATE TABLE conversations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    summary TEXT NOT NULL,
    summarised INTEGER NOT NULL
) STRICT;
CREATE TABLE sessions (
    session TEXT PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (number)
) STRICT;
CREATE TABLE exchanges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (number),
    session TEXT NOT NULL,
    turn INTEGER NOT NULL,
    at INTEGER NOT NULL,
    asked TEXT NOT NULL,
    heard TEXT NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (session, turn)
) STRICT;
CREATE INDEX exchanges_by_conversation ON exchanges (conversation, number);
CREATE INDEX exchanges_by_time ON exchanges (at);
CREATE INDEX sessions_by_conversation ON sessions (conversation);
"""

_RESTS = "ALTER TABLE exchanges ADD COLUMN rests_on TEXT NOT NULL DEFAULT '[]';\n"

_FORGOTTEN = """
CREATE TABLE forgotten (file TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
ALTER TABLE documents ADD COLUMN linked_in TEXT NOT NULL DEFAULT '';
"""


def _script(text: str) -> Callable[[sqlite3.Connection], None]:
    def run(connection: sqlite3.Connection) -> None:
        # `executescript` would commit what comes before it; a step is one transaction.
        statement = ""
        for line in text.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                connection.execute(statement)
                statement = ""

    return run


_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _script(_FIRST),
    _script(_CONVERSATIONS),
    _script(_RESTS),
    _script(_FORGOTTEN),
)

VERSION = len(_STEPS)
"""The version that this Sotto writes."""


def prepare(connection: sqlite3.Connection) -> None:
    """Set what holds for every connection."""
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "temp_store = MEMORY",
        "busy_timeout = 5000",
        "cache_size = -32000",
        "mmap_size = 268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the tables to this version, all or nothing; returns the version that was found (0: a new file)."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for step in _STEPS[found:]:
            step(connection)
        if found < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return found
