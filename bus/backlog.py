"""A backlog: one bounded queue with a declared overflow policy and a ledger that always adds up.

The bus offers, readers take. It belongs to one subscription, or to the members of a group.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from shared.events import Event

__all__ = ["Backlog", "Ledger", "Overflow", "latest"]

E = TypeVar("E", bound=Event)


class Overflow(Enum):
    """What happens to an event that finds the queue full."""

    DROP_OLDEST = "drop-oldest"
    """The oldest queued event goes (audio watchers)."""
    LATEST = "latest"
    """A queued event of the same key is replaced by the newer one, at the newer one's place; then as DROP_OLDEST."""
    FAIL = "fail"
    """The new event is dropped and the reader gets SlowReader: control must not be lost unnoticed."""


def latest(key: Callable[[Any], Hashable]) -> tuple[Overflow, Callable[[Any], Hashable]]:
    """The LATEST policy with its key, which must not raise: `overflow=latest(lambda e: e.utterance)`."""
    return Overflow.LATEST, key


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every event offered: `offered == delivered + dropped + stale + queued` at any moment."""

    name: str
    overflow: Overflow
    offered: int
    delivered: int
    dropped: int
    stale: int
    """Skipped at delivery because their turn was fenced."""
    queued: int
    high_water: int
    """The most events that ever waited."""
    oldest_at: int
    """When the event was published that waits longest, unix ns; 0 when none waits."""


class _ByKey(OrderedDict[Hashable, E]):
    """A queue with one event for each key; looking one up does not depend on how many wait."""

    def __init__(self, key: Callable[[E], Hashable]) -> None:
        super().__init__()
        self._key = key

    def replace(self, event: E) -> bool:
        """Put the event at the end in place of the queued one of its key; False when there is none."""
        key = self._key(event)
        if key not in self:
            return False
        self[key] = event
        self.move_to_end(key)
        return True

    def append(self, event: E) -> None:
        self[self._key(event)] = event

    def popleft(self) -> E:
        return self.popitem(last=False)[1]


class Backlog(Generic[E]):
    """A deque of at most `capacity` events, and the futures of the readers that wait for one, oldest first."""

    __slots__ = (
        "_by_key",
        "buffer",
        "capacity",
        "delivered",
        "drains",
        "dropped",
        "failed",
        "fences",
        "high_water",
        "kinds",
        "losing",
        "members",
        "name",
        "offered",
        "overflow",
        "overflowed",
        "session",
        "stale",
        "waiters",
    )

    def __init__(
        self,
        name: str,
        kinds: tuple[type[Event], ...],
        *,
        session: str | None,
        capacity: int,
        overflow: Overflow,
        key: Callable[[E], Hashable] | None,
        fences: Mapping[str, int],
        drains: set[asyncio.Event],
        overflowed: Callable[[], None] | None,
        losing: Callable[[Ledger], None],
    ) -> None:
        if capacity < 1:
            raise ValueError("a subscription needs a capacity of at least 1")
        self.name = name
        self.kinds = kinds
        self.session = session
        self.capacity = capacity
        self.overflow = overflow
        self.fences = fences
        self.drains = drains
        """Set when the last queued event is taken: whoever drains the bus looks again."""
        self.overflowed = overflowed
        """Called at every event that finds the queue full."""
        self.losing = losing
        """Called at the first such event, and whenever their number has doubled."""
        self._by_key = _ByKey(key) if key is not None else None
        self.buffer: deque[E] | _ByKey[E] = deque() if self._by_key is None else self._by_key
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.members = 0
        self.failed = False
        """An overflow (FAIL) that no reader was told of yet."""
        self.offered = self.delivered = self.dropped = self.stale = self.high_water = 0

    def answers(self, event: Event) -> bool:
        """True when whoever reads it may be expected to answer the event: no watcher, and of its kind and session."""
        return (
            self.overflow is Overflow.FAIL
            and Event not in self.kinds
            and isinstance(event, self.kinds)
            and self.session in (None, event.session)
        )

    def offer(self, event: E) -> None:
        """Queue an event as the policy says; never raises, never waits."""
        self.offered += 1
        buffer = self.buffer
        queued = len(buffer)
        if queued < self.capacity:
            if queued >= self.high_water:
                self.high_water = queued + 1
        elif not self._make_room():
            return
        buffer.append(event)
        if self.waiters:
            self.wake()

    def entry(self) -> Callable[[E], None]:
        """Return the function that takes events of its kinds in: by its policy, of its session alone."""
        offer, session = self.offer if self._by_key is None else self._offer_latest, self.session

        def offer_in_session(event: E) -> None:
            if event.session == session:
                offer(event)

        return offer if session is None else offer_in_session

    def wake(self) -> None:
        """Let the reader go on that has waited longest."""
        waiters = self.waiters
        while waiters:
            waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def wake_all(self) -> None:
        """Let every reader look again (one closed)."""
        while self.waiters:
            self.wake()

    def left(self, waiter: asyncio.Future[None]) -> None:
        """A waiting reader was cancelled."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        else:
            self.pass_on()

    def pass_on(self) -> None:
        """A reader does not take what it was perhaps woken for: it is another's."""
        if self.buffer:
            self.wake()

    def take(self) -> E | None:
        """Return the next event that may still be delivered, or None when nothing is queued."""
        buffer, fences, event = self.buffer, self.fences, None
        while buffer and event is None:
            event = buffer.popleft()
            if fences and event.fenced and 0 < event.turn < fences.get(event.session, 0):
                self.stale += 1
                event = None
            else:
                self.delivered += 1
        if self.drains and not buffer:
            for drain in self.drains:
                drain.set()
        return event

    def ledger(self) -> Ledger:
        """The account of this moment."""
        return Ledger(
            name=self.name,
            overflow=self.overflow,
            offered=self.offered,
            delivered=self.delivered,
            dropped=self.dropped,
            stale=self.stale,
            queued=len(self.buffer),
            high_water=self.high_water,
            oldest_at=next(iter(self._waiting())).at if self.buffer else 0,
        )

    def waiting(self) -> tuple[E, ...]:
        """Return what is queued, and leave it there."""
        return tuple(self._waiting())

    def _waiting(self) -> Iterable[E]:
        return self.buffer if isinstance(self.buffer, deque) else self.buffer.values()

    def _offer_latest(self, event: E) -> None:
        assert self._by_key is not None
        if self._by_key.replace(event):
            self.offered += 1
            self.dropped += 1
        else:
            self.offer(event)

    def _make_room(self) -> bool:
        self.dropped = dropped = self.dropped + 1
        room = self.overflow is not Overflow.FAIL
        if room:
            self.buffer.popleft()
        else:
            self.failed = True
        if self.overflowed is not None:
            self.overflowed()
        if dropped & (dropped - 1) == 0:
            self.losing(self.ledger())
        return room
