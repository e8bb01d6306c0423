"""Stamping: an event's envelope from an injected clock and counter, and its cause from what is being handled."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from shared.clock import Clock
from shared.events.base import Event

__all__ = ["Stamp", "current"]

E = TypeVar("E", bound=Event)

current: ContextVar[Event | None] = ContextVar("sotto_current_event", default=None)
"""The event being handled by this task; set by the bus at delivery, inherited by the tasks it starts."""


class Stamp:
    """Makes events for one source. The same clock, ids and inputs make the same bytes."""

    def __init__(self, source: str, clock: Clock, ids: Callable[[], str], session: str = "") -> None:
        self._source = source
        self._clock = clock
        self._ids = ids
        self._session = session

    def __call__(
        self, kind: type[E], *, id: str = "", session: str | None = None, turn: int | None = None, **fields: Any
    ) -> E:
        """Return a validated event; session and turn default to those of the event being handled.

        What two processes may both say, and is to be heard once, brings its `id`. Raises pydantic.ValidationError for
        missing, unknown or ill-typed fields.
        """
        cause = current.get()
        id = id or self._ids()
        if cause is None:
            return kind(
                id=id,
                at=self._clock.now_ns(),
                source=self._source,
                session=self._session if session is None else session,
                turn=turn or 0,
                cause=None,
                root=id,
                trace=None,
                **fields,
            )
        return kind(
            id=id,
            at=self._clock.now_ns(),
            source=self._source,
            session=cause.session if session is None else session,
            turn=cause.turn if turn is None else turn,
            cause=cause.id,
            root=cause.root,
            trace=cause.trace,
            **fields,
        )
