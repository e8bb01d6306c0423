"""The event: a frozen, typed fact or request that every service speaks in, and nothing else crosses the bus."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

__all__ = ["Event", "Part"]


class Part(BaseModel):
    """A value inside an event: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Event(BaseModel):
    """What every event carries. Facts are named in the past tense, requests in the imperative.

    Subclasses set the class variables; instances are made by a `Stamp` (which fills the envelope) or by the codec.
    There are no defaults in the envelope: a run can be repeated only if every value comes from somewhere.
    Times are in ns, positions in samples; a field's unit is in its name or docstring.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[str] = ""
    """Dotted name, domain first, as `stt.final`."""
    version: ClassVar[int] = 1
    """Schema version of the kind; a changed schema needs a new one and an upcaster."""
    fenced: ClassVar[bool] = False
    """Work in progress of a turn: not delivered once the turn is fenced. All else is a fact and always arrives."""
    retained: ClassVar[bool] = False
    """The last event of each `slot()` is given to late subscribers."""
    payload: ClassVar[str | None] = None
    """Name of the bytes field that travels beside the JSON header, never inside it."""
    replies: ClassVar[tuple[str, ...]] = ()
    """For requests: the kinds that end it. A reply names the request's id as its `cause`."""

    id: str
    """Sortable identifier."""
    at: int
    """When it was made, unix ns."""
    source: str
    """Name of the service that made it."""
    session: str
    """The conversation it belongs to; empty for the system's own."""
    turn: int
    """The turn of the session, from 1; 0 outside a turn."""
    cause: str | None
    """Id of the event being handled when this one was made."""
    root: str
    """Id of the first event of the chain of causes."""
    trace: str | None
    """W3C traceparent, or None when nothing traces."""

    def slot(self) -> Hashable:
        """The place a retained event is kept under: a newer event of the same slot replaces it."""
        return self.kind
