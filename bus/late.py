"""What was published here lately, and to whom it was sent: whoever joins within seconds is not too late for it.

Of requests only those are kept that nobody answers yet. What is retained has no age. What answers a request of another
process is that one's alone, and is not kept.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from time import monotonic

from bus.core import Bus
from bus.neighbours import Neighbours
from shared.events import Event

__all__ = ["Late"]

_MOST = 8192
_LATE_S = 5.0
"""Who joins within that time after something was published is not too late for it."""
_MISSED_S = 1.0
"""A request waits so long for a process that has just gone."""


class Late:
    """See the module. `send` sends an event to those named, `ask` gives a request to who answers it, if any."""

    def __init__(
        self,
        bus: Bus,
        neighbours: Neighbours,
        send: Callable[[Event, tuple[str, ...]], None],
        ask: Callable[[Event], bool],
    ) -> None:
        self._bus = bus
        self._neighbours = neighbours
        self._send = send
        self._ask = ask
        self._lately: deque[tuple[float, Event, tuple[str, ...]]] = deque(maxlen=_MOST)
        """With when it was published and to whom it was sent."""
        self._era = 0
        """That of the neighbours who got what they missed."""
        self._told: dict[str, tuple[str, ...] | None] = {}
        """Whom we sent what is retained, by the event's id; None for what others have to tell."""

    def look_back(self, *, first: bool) -> None:
        """Keep what was published before: all requests that are open, and what is young of the rest.

        Unless it is the `first` time, the rest is not known to be ours: something may have come from others.
        """
        before = tuple(self._bus.replay())
        causes = {event.cause for event in before}
        since = before[-1].at - _LATE_S * 1e9 if before and first else math.inf
        for event in before:
            if event.replies:
                young = event.id not in causes and not self._bus.answers(event)
            else:
                young = event.at >= since and not event.retained
            if young:
                self.keep(event)

    def keep(self, event: Event, to: tuple[str, ...] = ()) -> None:
        """It was published here, and sent to these."""
        if event.retained:
            self._told[event.id] = to
            return
        now, lately = monotonic(), self._lately
        while lately and now - lately[0][0] > _LATE_S:
            lately.popleft()
        lately.append((now, event, to))

    def came(self, event: Event) -> None:
        """It is not ours to tell: each has it, or where it was published it is kept."""
        if event.retained:
            self._told[event.id] = None

    def tell(self, joined: set[str]) -> None:
        """Whoever `joined`, or reads more than before, gets what is retained."""
        before, self._told = self._told, {}
        for event in self._bus.retained():
            told = before.get(event.id, ())
            if told is not None:
                told = self._sent(event, tuple(name for name in told if name not in joined))
            self._told[event.id] = told

    def catch_up(self) -> tuple[str, ...]:
        """Send what was published before those were known who read or answer it, in its order.

        Returns the services that are missed: a request waits for them, and no process runs them any more.
        """
        if self._era == self._neighbours.era and not any(event.replies for _, event, _ in self._lately):
            return ()
        self._era = self._neighbours.era
        waiting, now = tuple(self._lately), monotonic()
        self._lately.clear()
        missed: dict[str, None] = {}
        for at, event, to in waiting:
            if self._bus.is_stale(event) or now - at > _LATE_S:
                continue
            if not event.replies:
                self._lately.append((at, event, self._sent(event, to)))
            elif self._ask(event):
                continue
            elif now - at > _MISSED_S and (services := self._neighbours.missed(event.kind)):
                missed |= dict.fromkeys(services)
            else:
                self._lately.append((at, event, ()))
        return tuple(missed)

    def _sent(self, event: Event, to: tuple[str, ...]) -> tuple[str, ...]:
        """Send it to those who read it by now, too; returns all who got it."""
        late = tuple(name for name in self._neighbours.reading(event) if name not in to)
        if late:
            self._send(event, late)
        return (*to, *late)
