"""Who is talking, over what, and what was said before."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event, Part
from shared.events.memory import TurnName

__all__ = [
    "PastTurn",
    "SessionCleared",
    "SessionClosed",
    "SessionOpened",
    "SessionResume",
    "SessionResumed",
    "SessionSummarised",
    "Summary",
]


class PastTurn(Part):
    """A turn of an earlier session, as the person knows it."""

    session: str
    turn: int
    at: int
    """When it ended, unix ns."""
    asked: str
    heard: str
    """Exactly the words of the answer that were heard, or shown."""
    reason: str
    """How it ended, as `turn.finished` says it."""


class Summary(Part):
    """What stands for the oldest turns of a conversation."""

    text: str
    turns: tuple[TurnName, ...]
    """The turns it stands for."""
    since: int
    """When the first of them ended, unix ns."""
    until: int
    """When the last of them did."""


class SessionOpened(Event):
    """A conversation begins."""

    kind: ClassVar[str] = "session.opened"
    over: Literal["voice", "text", "file", "socket"]
    language: str


class SessionResume(Event):
    """Request: this session goes on with an earlier conversation, and bears its name from now on."""

    kind: ClassVar[str] = "session.resume"
    replies: ClassVar[tuple[str, ...]] = ("session.resumed",)
    name: str
    """The conversation's, how the id of one of its sessions begins, or `last`."""
    begin: bool
    """Where there is no such conversation, this one is the first of that name."""


class SessionResumed(Event):
    """The session goes on with what was said before, exactly as it was heard."""

    kind: ClassVar[str] = "session.resumed"
    name: str
    turns: tuple[PastTurn, ...]
    """In order; those of the summary are not among them."""
    summary: Summary | None
    problem: str
    """Why there is nothing to go on with and what to do, for a person; empty where there is no problem."""


class SessionSummarised(Event):
    """The conversation outgrew what the language model can be told: the summary takes the place of its oldest turns."""

    kind: ClassVar[str] = "session.summarised"
    summary: Summary


class SessionCleared(Event):
    """The conversation's history is forgotten; the session goes on."""

    kind: ClassVar[str] = "session.cleared"


class SessionClosed(Event):
    """The conversation is over: its input ended or the person left."""

    kind: ClassVar[str] = "session.closed"
    reason: str
