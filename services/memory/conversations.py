"""Conversations: what was said and heard in each, over all its sessions, so that it can be gone on with by its name.

They stand in the same file as the memories. A conversation that nobody named bears the id of its first session. When
it outgrows what the language model can be told, a summary stands for its oldest exchanges; these stay all the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from services.memory.database import Database
from services.memory.errors import NoConversation
from services.memory.words import coverage
from shared.events import PastTurn, Remembered, Summary, TurnName

__all__ = ["Conversation", "Conversations", "Exchange"]

_COLUMNS = "session, turn, at, asked, heard, reason"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn, as it was heard."""

    number: int
    session: str
    turn: int
    at: int
    """When it ended, unix ns."""
    asked: str
    heard: str
    reason: str
    rests_on: tuple[str, ...] = ()
    """Ids of the remembered items that the answer rested on."""

    @property
    def name(self) -> TurnName:
        """How other stores know it."""
        return TurnName(session=self.session, turn=self.turn)

    def remembered(self) -> Remembered:
        """The exchange as it is found again."""
        return Remembered(
            id=f"e-{self.number}", what="turn", text=f"{self.asked}\n{self.heard}", key="", value="", at=self.at,
            session=self.session, turn=self.turn, speaker="", source="", place="", score=0.0,
        )  # fmt: skip

    def told(self) -> PastTurn:
        """The exchange as events carry it."""
        return PastTurn(
            session=self.session, turn=self.turn, at=self.at, asked=self.asked, heard=self.heard, reason=self.reason
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """What there is of one, for a list."""

    name: str
    turns: int
    sessions: tuple[str, ...]
    began: int
    """When its first turn ended, unix ns."""
    last: int
    """When its last one did."""
    summary: str


class Conversations:
    """Used in the thread of its database. Raises MemoryDamaged or MemoryFull."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- keeping

    def add(self, exchange: PastTurn, name: str, rests_on: Sequence[str] = ()) -> None:
        """Keep an exchange of the conversation of this name, which begins with it if need be; twice keeps it once."""
        with self._database.writing() as sql:
            self._insert(sql, exchange, name, rests_on)

    def heard(self, session: str, turn: int, heard: str) -> None:
        """More of an answer was heard than was known when its turn ended."""
        with self._database.writing() as sql:
            sql.execute("UPDATE exchanges SET heard = ? WHERE session = ? AND turn = ?", (heard, session, turn))

    def enter(self, session: str, name: str) -> None:
        """The session belongs to the conversation of this name from now on."""
        with self._database.writing() as sql:
            sql.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?)", (session, self._begun(sql, name)))

    def summarise(self, name: str, text: str, last: int, numbers: Sequence[int]) -> Summary | None:
        """Let a text stand for all exchanges up to `last`; None where one of `numbers` is not there any more."""
        with self._database.writing() as sql:
            told = self._exchanges("conversations.name = ? AND exchanges.number <= ?", name, last)
            if not told or not set(numbers) <= {exchange.number for exchange in told}:
                return None
            sql.execute("UPDATE conversations SET summary = ?, summarised = ? WHERE name = ?", (text, last, name))
        return _summary(text, told)

    def restore(self, name: str, old: Sequence[Exchange], new: Sequence[Exchange], summary: str) -> int:
        """Take back a conversation, its old exchanges in sum; what is there already stays as it is.

        Returns how many exchanges came.
        """
        with self._database.writing() as sql:
            came = sum(self._insert(sql, one.told(), name, one.rests_on) for one in old)
            sql.execute(
                "UPDATE conversations SET summary = ?, summarised = (SELECT max(exchanges.number) FROM exchanges "
                "WHERE conversation = conversations.number) WHERE name = ? AND summary = '' AND ? != ''",
                (summary, name, summary),
            )
            came += sum(self._insert(sql, one.told(), name, one.rests_on) for one in new)
            self._sweep(sql)
        return came

    # ---- finding

    def find(self, wanted: str) -> str:
        """Return the name of the conversation meant: by its name, how one of its sessions begins, or `last`.

        Raises NoConversation where there is none, or more than one.
        """
        with self._database.errors():
            sql = self._database.connection
            if wanted == "last":
                rows = sql.execute(
                    "SELECT name FROM conversations JOIN exchanges ON conversation = conversations.number "
                    "ORDER BY at DESC LIMIT 1"
                ).fetchall()
            else:
                rows = sql.execute("SELECT name FROM conversations WHERE name = ?", (wanted,)).fetchall()
            if not rows and wanted:
                rows = sql.execute(
                    "SELECT DISTINCT name FROM conversations JOIN sessions ON conversation = conversations.number "
                    "WHERE substr(session, 1, length(?1)) = ?1",
                    (wanted,),
                ).fetchall()
        if len(rows) == 1:
            return str(rows[0][0])
        if rows:
            raise NoConversation(f"{wanted} begins {len(rows)} sessions.", remedy="Write more of its name.")
        if wanted == "last":
            raise NoConversation("There is no conversation to go on with.", remedy="Begin one: sotto --session NAME")
        raise NoConversation(
            f"There is no conversation called {wanted}.",
            remedy=f"See `sotto memory list conversations`, or begin it: sotto --session {wanted}",
        )

    def name_of(self, session: str) -> str:
        """Return the name of the conversation that the session belongs to; its own id while it belongs to none."""
        with self._database.errors():
            row = self._database.connection.execute(
                "SELECT name FROM conversations JOIN sessions ON conversation = number WHERE session = ?", (session,)
            ).fetchone()
        return str(row[0]) if row else session

    def told(self, name: str, limit: int) -> tuple[list[Exchange], Summary | None]:
        """Return the last exchanges, in order, and what stands for those before them."""
        summary, last = self._summarised(name)
        fresh = self.unsummarised(name)[-limit:]
        if not summary:
            return fresh, None
        return fresh, _summary(summary, self._exchanges("conversations.name = ? AND exchanges.number <= ?", name, last))

    def whole(self, name: str) -> tuple[list[Exchange], list[Exchange], str]:
        """Return the exchanges that the summary stands for, those after them, and the summary."""
        summary, last = self._summarised(name)
        old = self._exchanges("conversations.name = ? AND exchanges.number <= ?", name, last)
        return old, self.unsummarised(name), summary

    def last(self, name: str) -> Exchange | None:
        """Return the newest exchange; None where there is none."""
        return next(iter(self._exchanges("conversations.name = ?", name, newest=1)), None)

    def between(self, since: int, until: int) -> list[Exchange]:
        """Return what was said in any conversation from one time to another, in order."""
        return self._exchanges("at >= ? AND at < ?", since, until)

    def unsummarised(self, name: str) -> list[Exchange]:
        """Return the exchanges that no summary stands for, in order."""
        return self._exchanges("conversations.name = ? AND exchanges.number > summarised", name)

    def summary(self, name: str) -> str:
        """Return what stands for the oldest exchanges; empty where nothing does."""
        return self._summarised(name)[0]

    def listed(self) -> list[Conversation]:
        """Return all conversations, the newest last."""
        with self._database.errors():
            rows = self._database.connection.execute(
                "SELECT name, count(*), min(at), max(at), summary, "
                "(SELECT json_group_array(session) FROM sessions WHERE conversation = conversations.number) "
                "FROM conversations JOIN exchanges ON conversation = conversations.number "
                "GROUP BY conversations.number ORDER BY max(at)"
            ).fetchall()
        return [Conversation(row[0], row[1], tuple(json.loads(row[5])), row[2], row[3], row[4]) for row in rows]

    # ---- forgetting

    def meant(
        self,
        turns: Iterable[TurnName],
        *,
        since: int = 0,
        until: int = 0,
        words: Sequence[Sequence[str]] = (),
        items: Collection[str] = (),
    ) -> list[Exchange]:
        """Return the exchanges that are named, lie in the time, rest on one of the items, or hold all of some words."""
        named = {(name.session, name.turn) for name in turns}

        def is_meant(exchange: Exchange) -> bool:
            if (exchange.session, exchange.turn) in named or (until and since <= exchange.at <= until):
                return True
            if not set(items).isdisjoint(exchange.rests_on):
                return True
            return _holds(f"{exchange.asked}\n{exchange.heard}", words)

        return [exchange for exchange in self._exchanges("TRUE") if is_meant(exchange)]

    def forget(self, exchanges: Sequence[Exchange], *, words: Sequence[Sequence[str]] = ()) -> int:
        """Delete exchanges, and each summary that stands for one of them or holds all of one of the lists of words.

        No byte stays in the file. Returns how many exchanges there were.
        """
        with self._database.writing() as sql:
            summaries = sql.execute("SELECT number, summary FROM conversations WHERE summary != ''").fetchall()
            told = [number for number, summary in summaries if _holds(summary, words)]
            for exchange in exchanges:
                told += [
                    row[0]
                    for row in sql.execute(
                        "SELECT conversations.number FROM conversations JOIN exchanges "
                        "ON conversation = conversations.number "
                        "WHERE exchanges.number = ? AND exchanges.number <= summarised",
                        (exchange.number,),
                    )
                ]
            sql.executemany(
                "UPDATE conversations SET summary = '', summarised = 0 WHERE number = ?", [(number,) for number in told]
            )
            gone = sum(
                sql.execute("DELETE FROM exchanges WHERE number = ?", (exchange.number,)).rowcount
                for exchange in exchanges
            )
            self._sweep(sql)
        if gone or told:
            self._database.tidy()
        return gone

    def leave(self, session: str) -> int:
        """Delete the exchanges of a session; returns how many there were."""
        return self.forget(self._exchanges("session = ?", session))

    def clear(self, name: str = "") -> int:
        """Delete a conversation, or all of them; returns how many exchanges there were."""
        if name:
            return self.forget(self._exchanges("conversations.name = ?", name))
        with self._database.writing() as sql:
            gone = sql.execute("DELETE FROM exchanges WHERE TRUE").rowcount
            self._sweep(sql)
        self._database.tidy()
        return gone

    def expire(self, before: int) -> int:
        """Delete the exchanges that are older, and summaries of them; returns how many there were."""
        return self.forget(self._exchanges("at < ?", before))

    # ---- inside

    def _insert(self, sql: sqlite3.Connection, exchange: PastTurn, name: str, rests_on: Sequence[str]) -> int:
        """Returns 1, or 0 where it was there."""
        number = self._begun(sql, name)
        sql.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?)", (exchange.session, number))
        values = tuple(getattr(exchange, column) for column in _COLUMNS.split(", "))
        return sql.execute(
            f"INSERT OR IGNORE INTO exchanges (conversation, {_COLUMNS}, rests_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (number, *values, json.dumps(list(rests_on))),
        ).rowcount

    @staticmethod
    def _begun(sql: sqlite3.Connection, name: str) -> int:
        sql.execute("INSERT OR IGNORE INTO conversations (name, summary, summarised) VALUES (?, '', 0)", (name,))
        return int(sql.execute("SELECT number FROM conversations WHERE name = ?", (name,)).fetchone()[0])

    @staticmethod
    def _sweep(sql: sqlite3.Connection) -> None:
        """Delete what has no exchange left."""
        empty = "NOT IN (SELECT conversation FROM exchanges)"
        sql.execute(f"DELETE FROM sessions WHERE conversation {empty}")  # noqa: S608
        sql.execute(f"DELETE FROM conversations WHERE number {empty}")  # noqa: S608

    def _summarised(self, name: str) -> tuple[str, int]:
        with self._database.errors():
            row = self._database.connection.execute(
                "SELECT summary, summarised FROM conversations WHERE name = ?", (name,)
            ).fetchone()
        return (str(row[0]), int(row[1])) if row else ("", 0)

    def _exchanges(self, condition: str, *values: object, newest: int = 0) -> list[Exchange]:
        """In the order of their time: what was taken back may be older than what was here."""
        columns = f"exchanges.number, {_COLUMNS}, rests_on"
        order = f"exchanges.at DESC, exchanges.number DESC LIMIT {newest:d}" if newest else "at, exchanges.number"
        with self._database.errors():
            rows = self._database.connection.execute(
                f"SELECT {columns} FROM exchanges JOIN conversations ON conversation = conversations.number "  # noqa: S608
                f"WHERE {condition} ORDER BY {order}",
                values,
            )
            return [replace(Exchange(*row), rests_on=tuple(json.loads(row[-1]))) for row in rows]


def _summary(text: str, told: Sequence[Exchange]) -> Summary:
    times = [exchange.at for exchange in told] or [0]
    return Summary(text=text, turns=tuple(exchange.name for exchange in told), since=min(times), until=max(times))


def _holds(said: str, words: Sequence[Sequence[str]]) -> bool:
    """Whether it has all of one of the lists of words, each in any form."""
    return any(coverage(list(some), said) >= 1.0 for some in words if some)
