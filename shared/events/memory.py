"""Long-term memory: what is kept, asked back, and forgotten.

Forgetting takes two steps. A person's wish (`memory.erase`) comes to the memory service, which finds out what it means
and orders every store that holds words or sound to drop that (`memory.forget`). Each answers `memory.forgotten`; the
answers together are the receipt (`memory.erased`).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event, Part

__all__ = [
    "MemoryErase",
    "MemoryErased",
    "MemoryForget",
    "MemoryForgotten",
    "MemoryNoted",
    "MemoryQuery",
    "MemoryResult",
    "MemoryStore",
    "MemoryStored",
    "Remembered",
    "Removed",
    "TurnName",
]


class TurnName(Part):
    """A turn of some session, perhaps of long ago."""

    session: str
    turn: int


class Remembered(Part):
    """Something that is kept."""

    id: str
    what: Literal["turn", "fact", "document"]
    """A turn of a conversation as it was heard; what a person asked to keep; a passage of a file."""
    text: str
    key: str
    """What a fact is about, in plain words ("my bike code"); empty where that is not known."""
    value: str
    """What it says of that ("4512"); empty with the key."""
    at: int
    """When it was said, or its file changed; unix ns."""
    session: str
    turn: int
    """0 outside a turn."""
    speaker: str
    """Who said it, where that is known."""
    source: str
    """Id of the event it was taken from, or the path of its file."""
    place: str
    """Where in its file, as "page 3" or a heading."""
    score: float
    """How well it answers, of this query alone: comparable within one result only."""


class Removed(Part):
    """One line of a receipt."""

    store: str
    """`facts`, `turns`, `passages`, `conversations`, `vectors`, or the service that dropped something."""
    count: int
    detail: str
    """For a person; what is still there and why, where `ok` is False."""
    ok: bool


class MemoryStore(Event):
    """Request: keep a text. The same event delivered twice keeps it once."""

    kind: ClassVar[str] = "memory.store"
    replies: ClassVar[tuple[str, ...]] = ("memory.stored",)
    text: str
    what: Literal["fact", "turn"] = "fact"
    language: str = ""
    speaker: str = ""
    corrects: bool = False
    """It says a new value of the fact that was stored or told last in this session ("no, it is 4513")."""
    expires_at: int = 0
    """Unix ns after which it is gone by itself; 0 for never."""


class MemoryStored(Event):
    """What became of a `memory.store`."""

    kind: ClassVar[str] = "memory.stored"
    item: Remembered | None
    """None where nothing was kept: there was nothing to correct, or it could not be written."""
    replaced: tuple[str, ...]
    """Values that were true until now."""
    problem: str
    """Why nothing was kept and what to do, for a person; empty where there was only nothing to correct."""


class MemoryNoted(Event):
    """What a person said in passing is kept as facts; they are told so with the next answer."""

    kind: ClassVar[str] = "memory.noted"
    items: tuple[Remembered, ...]
    replaced: tuple[str, ...]
    """Values that were true until now."""


class MemoryQuery(Event):
    """Request: what is known.

    `answer`: what helps to answer a text, nothing below the floor, within the budget; `about`: the same, to be told as
    it is; `search`: the nearest, however far; `value`: the facts whose key is the text; `facts`: all of them, the
    newest first; `told`: what the session's last answer rested on; `said`: what was said in any conversation from
    `since` to `until`, the newest first.
    """

    kind: ClassVar[str] = "memory.query"
    replies: ClassVar[tuple[str, ...]] = ("memory.result",)
    text: str
    purpose: Literal["answer", "about", "search", "value", "facts", "told", "said"]
    what: tuple[str, ...] = ()
    """Only these kinds of items; empty for all."""
    language: str = ""
    limit: int = 5
    tokens: int = 0
    """Most tokens of all texts together, roughly; 0 for no bound."""
    since: int = 0
    """Unix ns, for `said`."""
    until: int = 0
    """Unix ns, for `said`: before this moment."""


class MemoryResult(Event):
    """What was found, the best first; never anything superseded, expired or forgotten."""

    kind: ClassVar[str] = "memory.result"
    request: str
    items: tuple[Remembered, ...]
    by: Literal["meaning", "words"]
    """Whether vectors took part; `words` also where none were needed."""
    problem: str = ""
    """Why nothing could be looked up and what to do, for a person; empty where there was only nothing to find."""


class MemoryErase(Event):
    """Request: a person wants something gone, from everywhere.

    `last`: the session's last exchange, and the facts it told; `since`: all from a time on; `about`: every fact and
    turn that has all words of the text; `items`: those named; `documents`: the passages of the file at the path `text`;
    `all`: everything.
    """

    kind: ClassVar[str] = "memory.erase"
    replies: ClassVar[tuple[str, ...]] = ("memory.erased",)
    what: Literal["last", "since", "about", "items", "documents", "all"]
    text: str = ""
    language: str = ""
    since: int = 0
    """Unix ns, for `since`."""
    items: tuple[str, ...] = ()
    """Ids, for `items`."""


class MemoryErased(Event):
    """The receipt of a `memory.erase`: what was removed from where, and what could not be."""

    kind: ClassVar[str] = "memory.erased"
    request: str
    texts: int
    """How many remembered items are gone; 0 where nothing was meant by the wish."""
    removed: tuple[Removed, ...]


class MemoryForget(Event):
    """Order to every store: drop what is of these turns, of this time, or holds one of these texts or words.

    What any one of the fields names is to go; empty ones name nothing.
    """

    kind: ClassVar[str] = "memory.forget"
    replies: ClassVar[tuple[str, ...]] = ("memory.forgotten",)
    turns: tuple[TurnName, ...]
    since: int
    """Unix ns; with `until`, everything made between them. 0 and 0 name no time."""
    until: int
    texts: tuple[str, ...]
    """As they were said or heard."""
    about: str
    """Words: whatever has all of them, in any order and case."""
    everything: bool


class MemoryForgotten(Event):
    """One store did as `memory.forget` (its cause) says, also where it held nothing of that."""

    kind: ClassVar[str] = "memory.forgotten"
    store: str
    """The service's name."""
    removed: int
    detail: str
    """What that was, for a person ("2 turns and their sound"), or what is still there and why."""
    ok: bool
    """False where something named is still there."""
