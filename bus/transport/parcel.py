"""What travels between processes: an event's wire form with its addressees, and what each process says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

__all__ = ["Node", "Parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event in its wire form (see shared/events/codec.py), or a fence, on its way to other processes."""

    header: bytes = b""
    """JSON in UTF-8; empty for a fence."""
    payload: bytes = b""
    to: tuple[str, ...] = ()
    """Names of the processes it is for."""
    origin: str = ""
    """Name of the process that sent it."""
    fence: tuple[str, int] | None = None
    """Session and turn: nothing fenced of an older turn is delivered any more."""
    fleeting: bool = False
    """Sound of a microphone: when too much waits to be sent, the oldest of it may go."""
    entry: bytes = b""
    """Where it stands in the transport's log; set on arrival, for `settle`."""


class Node(BaseModel):
    """A process on the bus, as the others know it."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer process may say more of itself

    name: str
    token: str
    """Another one each time the process starts."""
    version: str
    services: tuple[str, ...]
    serves: tuple[str, ...]
    """Kinds of requests that it answers."""
    wants: Mapping[str, tuple[str, ...] | None]
    """Kinds that somebody there reads, and of which sessions (None: of all)."""
    sessions: tuple[str, ...]
    """Conversations that are held there."""

    def reads(self, kind: str, session: str) -> bool:
        """True when an event of this kind and session has a reader there."""
        if kind not in self.wants:
            return False
        sessions = self.wants[kind]
        return sessions is None or session in sessions
