"""Who is talking, over what."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event

__all__ = ["SessionCleared", "SessionClosed", "SessionOpened"]


class SessionOpened(Event):
    """A conversation begins."""

    kind: ClassVar[str] = "session.opened"
    over: Literal["voice", "text", "file", "socket"]
    language: str


class SessionCleared(Event):
    """The conversation's history is forgotten; the session goes on."""

    kind: ClassVar[str] = "session.cleared"


class SessionClosed(Event):
    """The conversation is over: its input ended or the person left."""

    kind: ClassVar[str] = "session.closed"
    reason: str
