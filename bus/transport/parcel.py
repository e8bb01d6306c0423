"""What travels between processes: an event's wire form with its addressees, and what each process says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from shared.events import Event

__all__ = ["Node", "Parcel", "Read"]


@dataclass(frozen=True, slots=True)
class Read:
    """How far the reader of a streamed answer is: what its producer waits for."""

    request: str
    """Id of the request."""
    total: int
    """Events read since the start; -1 when nobody reads any more."""


class Parcel(NamedTuple):
    """An event in its wire form (see shared/events/codec.py), or a word between links, on its way to others."""

    header: bytes = b""
    """JSON in UTF-8; empty when it is no event."""
    payload: bytes = b""
    to: tuple[str, ...] = ()
    """Names of the processes it is for."""
    origin: str = ""
    """Name of the process that sent it."""
    life: str = ""
    """Its token: one that was killed and started again is another."""
    window: int = 0
    """For a request whose answer is streamed: how many events may be unread."""
    fence: tuple[str, int] | None = None
    """Session and turn: nothing fenced of an older turn is delivered any more."""
    read: Read | None = None
    revoked: str = ""
    """Id of a request that another process has got meanwhile: it is not to be begun."""
    fleeting: bool = False
    """Sound of a microphone: when too much waits to be sent, the oldest of it may go."""
    again: bool = False
    """It was given up as dead, and somebody wants it tried again."""
    tries: int = 0
    """How many lives of this process had it in hand and ended."""
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
    """Kinds of requests that it answers; none while it drains."""
    offers: Mapping[str, tuple[str, ...]] = {}
    """Kinds of requests by the service that answers them; an older process does not say it."""
    wants: Mapping[str, tuple[str, ...] | None]
    """Kinds that somebody there reads, and of which sessions (None: of all)."""
    sessions: tuple[str, ...]
    """Conversations that are held there."""
    keeps: tuple[str, ...] = ()
    """Services there with a store: a conversation's is its own alone; of those that work for all there is one."""
    versions: Mapping[str, int] = {}
    """The newest version that it can read of each kind that is beyond its first."""
    machine: str = ""
    """Where its number means something."""
    pid: int = 0
    lag: int = 0
    """What waits there to be sent or worked on."""

    def can_read(self, event: type[Event] | Event) -> bool:
        """False for a version that is newer than what runs there."""
        return event.version <= self.versions.get(event.kind, 1)

    def runs(self, service: str) -> bool:
        """True when it runs the service for others too."""
        return service in self.services and not (self.sessions and service in self.keeps)

    def behind(self, kind: str) -> tuple[str, ...]:
        """The services there that answer this kind of request; all of them where that is not known."""
        return tuple(name for name, offered in self.offers.items() if kind in offered) or self.services

    def reads(self, kind: str, session: str) -> bool:
        """True when an event of this kind and session has a reader there."""
        if kind not in self.wants:
            return False
        sessions = self.wants[kind]
        return sessions is None or session in sessions
