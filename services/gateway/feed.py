"""A feed: what waits for one client. Bounded; the latest of each reading survives, and what was missed is told."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from shared.errors import SottoError
from shared.events import AudioCaptured, AudioPlayed, Event, MetricSample, ModelProgress, Registry, SttPartial

__all__ = ["Feed", "Filter", "Missed", "NoSuchKind"]

_ROOM = 128
"""Live events that wait at most; beyond that the bus remembers them for everybody."""
_BEHIND = 64
"""Waiting events from which on a newer reading replaces an older one of the same thing."""


class NoSuchKind(SottoError):
    """A client asks for a kind that does not exist."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Events that a slow client does not get, by kind."""

    kinds: dict[str, int]

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events a client wants."""

    kinds: frozenset[type[Event]]
    session: str | None = None
    turn: int | None = None

    @classmethod
    def of(cls, registry: Registry, kinds: str, session: str | None, turn: int | None) -> Filter:
        """Parse `turn.started,stt.*` (empty: every kind); raises NoSuchKind."""
        wanted: set[type[Event]] = set()
        for pattern in filter(None, (part.strip() for part in kinds.split(","))):
            found = {one for one in registry if _fits(pattern, one.kind)}
            if not found:
                raise NoSuchKind(f"There is no event kind {pattern!r}.", remedy="GET /v1/events/schema lists them.")
            wanted |= found
        return cls(frozenset(wanted or registry), session, turn)

    @property
    def narrow(self) -> bool:
        """True when only a session or a turn is wanted."""
        return self.session is not None or self.turn is not None

    def wants(self, event: Event) -> bool:
        """True for an event of its session and turn; its kinds are looked at by whoever offers."""
        return self.session in (None, event.session) and self.turn in (None, event.turn)

    def wants_all(self, kind: type[Event], session: str, turn: int) -> bool:
        """True when events of this class, session and turn are wanted."""
        return kind in self.kinds and self.session in (None, session) and self.turn in (None, turn)


class Feed:
    """An async iterator over events, and a Missed before the first event after a loss. One task reads it.

    One that is full is left alone: it takes no more until its reader has read what waits, and then `overtaken` is
    asked for what came meanwhile. So a client that never reads costs nothing.
    """

    def __init__(self, wanted: Filter, capacity: int, client: str = "") -> None:
        self.wanted = wanted
        self.client = client
        self.capacity = capacity
        """Events that it is given at most when it goes on after having been left alone."""
        self.offered = self.delivered = self.dropped = 0
        self.left_alone = False
        """It was full, and takes no more for now."""
        self.slow = False
        """It was left alone, and has not kept up since."""
        self.overtaken: Callable[[], None] = self._nothing_came
        """Called when all was read and the feed had been left alone; it calls `resume`."""
        self._room = min(capacity, _ROOM)
        self._past: deque[Event] = deque()
        self._waiting: OrderedDict[Hashable, Event] = OrderedDict()
        self._missed: Counter[str] = Counter()
        self.wake: Callable[[asyncio.Future[None]], None] = _at_once
        """Called with the future that the reader waits for when something has come; it sees to it that it is done."""
        self._reader: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def queued(self) -> int:
        """Events that wait now: offered = delivered + dropped + queued, at any moment."""
        return len(self._past) + len(self._waiting)

    def begin(self, past: Iterable[Event]) -> None:
        """Queue what happened before; bounded by what the bus remembers, so that nothing of it is dropped."""
        before = len(self._past)
        self._past.extend(event for event in past if self.wanted.wants(event))
        self.offered += len(self._past) - before
        self._arrived()

    def offer(self, event: Event) -> None:
        """Queue an event; never waits, never raises. The one that does not fit leaves the feed alone."""
        if self._closed or self.left_alone or not self.wanted.wants(event):
            return
        waiting = self._waiting
        key: Hashable = self.offered
        if len(waiting) >= _BEHIND and (reading := _reading(event)) is not None:
            key = reading
            if key in waiting:
                self._drop(waiting.pop(key).kind)
        if len(waiting) >= self._room:
            self.left_alone = self.slow = True
            return
        self.offered += 1
        waiting[key] = event
        if self._reader is not None:
            self._arrived()

    def resume(self, missed: Mapping[str, int], past: Iterable[Event]) -> None:
        """Go on after having been left alone: with what was missed by kind, and then with `past`."""
        self.left_alone = False
        self.slow = bool(missed)
        for kind, count in missed.items():
            self.offered += count
            self._drop(kind, count)
        self.begin(past)

    def close(self) -> None:
        """End the iteration at once, whatever waits."""
        self._closed = True
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Event | Missed:
        if await self.something() and (item := self.take()) is not None:
            return item
        raise StopAsyncIteration

    @property
    def idle(self) -> bool:
        """True when whoever reads has to wait."""
        return not (self._missed or self._past or self._waiting or self.left_alone)

    async def something(self) -> bool:
        """Wait until there is something to take; False once the feed is closed."""
        while not self._closed:
            if self._missed or self._past or self._waiting:
                return True
            if self.left_alone:
                self.overtaken()
                continue
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return False

    def take(self) -> Event | Missed | None:
        """Return what comes next, None when nothing waits."""
        if self._closed:
            return None
        if self._missed:
            missed, self._missed = Missed(dict(self._missed)), Counter()
            return missed
        if not self._past and not self._waiting:
            return None
        self.delivered += 1
        return self._past.popleft() if self._past else self._waiting.popitem(last=False)[1]

    def _arrived(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            self.wake(reader)

    def _drop(self, kind: str, count: int = 1) -> None:
        self.dropped += count
        self._missed[kind] += count

    def _nothing_came(self) -> None:
        self.left_alone = False


def _at_once(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_result(None)


def _fits(pattern: str, kind: str) -> bool:
    return kind == pattern or (pattern.endswith("*") and kind.startswith(pattern[:-1]))


def _reading(event: Event) -> Hashable | None:
    """What a reading is of; None for an event that no later one makes superfluous."""
    match event:
        case AudioCaptured() | SttPartial():
            return event.kind, event.session
        case AudioPlayed(ended=False):
            return event.kind, event.session, event.reply, event.clause
        case MetricSample():
            return event.kind, event.name, tuple(sorted(event.labels.items()))
        case ModelProgress():
            return event.kind, event.name
        case _:
            return None
