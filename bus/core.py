"""The bus of one process: everybody's events in one order, and what one can do with them.

Guarantees: a subscription gets the kinds it asked for in the order they were published; publishing never waits and
never raises for a slow reader; once a turn is fenced nothing fenced of an older turn is delivered and every fact is.
All methods belong to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextvars import Context
from typing import Any, Protocol, TypeVar

from bus.backlog import Backlog, Ledger, Overflow
from bus.calls import Calls, fenced
from bus.request import NoMailbox, Reply, RequestTimeout
from bus.ring import Entry, Ring
from bus.stream import DistantStream, Outlet, Stream
from bus.subscription import Subscription
from shared.clock import Clock, SystemClock
from shared.events import Event, Stamp, SubscriptionOverflowed
from shared.ids import id_source, process_prefix
from shared.logs import get_logger

__all__ = ["Bus"]

E = TypeVar("E", bound=Event)
Offer = Callable[[Any], None]
Policy = Overflow | tuple[Overflow, Callable[[Any], Hashable]]

T = TypeVar("T")

_log = get_logger("bus")


class Takes(Protocol):
    """A mailbox, as the bus knows it."""

    def takes(self, event: Event) -> bool:
        """True when it gets such events."""
        ...


class Bus:
    """See the module. `ring` and `payload_ring` are how many events (without and with a payload) replay remembers."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        ids: Callable[[], str] | None = None,
        ring: int = 8192,
        payload_ring: int = 512,
    ) -> None:
        self._stamp = Stamp("bus", clock or SystemClock(), ids or id_source(process_prefix()))
        self._backlogs: list[Backlog[Any]] = []
        self._groups: dict[str, Backlog[Any]] = {}
        self._routes: dict[type[Event], tuple[Callable[[Entry], None], tuple[Offer, ...]]] = {}
        self._taps: list[Offer] = []
        self._ring = Ring(ring, payload_ring)
        self._retained: dict[Hashable, Event] = {}
        self._publishing = False
        self._nested: deque[Event] = deque()
        self._fences: dict[str, int] = {}
        self._fence_watchers: list[Callable[[str, int], None]] = []
        self._calls = Calls(self.is_stale)
        self._drains: set[asyncio.Event] = set()
        self._elsewhere: list[Callable[[Event], bool]] = []
        self._on_handled: list[Callable[[Event], None]] = []
        self._on_readers: list[Callable[[], None]] = []
        self.mailboxes: list[Takes] = []
        """The open mailboxes (each enters and leaves by itself)."""
        self.published = 0

    def publish(self, event: Event) -> None:
        """Offer the event to every subscription of its kind, in one go.

        Publishing from within (a tap, an overflow callback) comes after the event that is being published.
        """
        if self._publishing:
            self._nested.append(event)
            return
        self._publishing = True
        try:
            cls = type(event)
            remember, offers = self._routes.get(cls) or self._route(cls)
            self.published = number = self.published + 1
            remember((number, event))
            for offer in offers:
                offer(event)
            if self._calls.open:
                self._calls.answer(event)
        finally:
            self._publishing = False
        if self._nested:
            self.publish(self._nested.popleft())

    def subscribe(
        self,
        *kinds: type[E],
        session: str | None = None,
        name: str = "",
        capacity: int = 1024,
        overflow: Policy = Overflow.FAIL,
        group: str | None = None,
        overflowed: Callable[[Subscription[E]], None] | None = None,
    ) -> Subscription[E]:
        """Return a subscription to `kinds` (classes; a base class means all below it), retained events first.

        `session` keeps to one conversation. With `group`, all who name it share the first one's queue and each event
        goes to one of them; they must ask for the same kinds and session. `overflowed` is called at every event that
        finds the queue full. A subscription with the FAIL policy that does not ask for everything (Event) is a mailbox:
        it counts as somebody who answers.
        """
        backlog = self._groups.get(group) if group is not None else None
        if backlog is not None:
            if (backlog.kinds, backlog.session) != (kinds, session):
                raise ValueError(f"group {group!r} reads other kinds or another session: give this one its own name")
            return Subscription(backlog, self._leave)
        policy, key = overflow if isinstance(overflow, tuple) else (overflow, None)
        if (policy is Overflow.LATEST) != (key is not None):
            raise ValueError("the LATEST policy needs a key: pass overflow=latest(key)")
        backlog = Backlog(
            name or group or "+".join(k.kind or k.__name__ for k in kinds),
            kinds,
            session=session,
            capacity=capacity,
            overflow=policy,
            key=key,
            fences=self._fences,
            drains=self._drains,
            overflowed=None if overflowed is None else lambda: overflowed(subscription),
            losing=self._losing,
        )
        subscription = Subscription(backlog, self._leave)
        offer = backlog.entry()
        for event in self._retained.values():
            if isinstance(event, kinds):
                offer(event)
        self._backlogs.append(backlog)
        self._routes.clear()
        if group is not None:
            self._groups[group] = backlog
        for watcher in tuple(self._on_readers):
            watcher()
        return subscription

    def tap(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with every event as it is published; returns how to stop. One that raises is removed."""

        def safely(event: Event) -> None:
            try:
                callback(event)
            except Exception:  # noqa: BLE001 (a watcher's mistake must not stop the conversation)
                _log.exception("a tap raised and was removed", kind=event.kind)
                remove()

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._taps.remove(safely)
            self._routes.clear()

        self._taps.append(safely)
        self._routes.clear()
        return remove

    async def request(self, event: Event, timeout: float) -> Event:
        """Publish a request and return its reply.

        Raises NoMailbox at once when nobody answers its kind, RequestTimeout after `timeout` seconds, and Fenced when
        its kind is fenced and its turn was, or is before the reply comes.
        """
        self._require_mailbox(event)
        reply = self._calls.open[event.id] = Reply(event)
        try:
            async with asyncio.timeout(timeout):
                self.publish(event)
                return await reply.wait()
        except TimeoutError:
            raise RequestTimeout(
                f"No answer to {event.kind} within {timeout:g} s.", remedy="See `sotto doctor` and the service's log."
            ) from None
        finally:
            del self._calls.open[event.id]

    def stream(self, event: Event, window: int = 32) -> Stream:
        """Publish a request and return the stream of what it causes; use it as a context manager.

        Raises NoMailbox at once when nobody answers its kind, Fenced when its turn was fenced.
        """
        self._require_mailbox(event)
        stream = self._calls.stream(event, window)
        self.publish(event)
        return stream

    def stream_of(self, request: Event) -> Stream | None:
        """Return the open stream in which the answer to `request` is read here, as a link wants to know."""
        return self._calls.stream_of(request)

    def read_elsewhere(self, request: Event, window: int) -> DistantStream:
        """The answer to `request` is streamed in another process: whoever answers here waits for that reader's room.

        Call it before the request is published here, once.
        """
        return self._calls.distant(request, window)

    def outlet(self, request: Event) -> Outlet:
        """Return the producing end for whatever answers `request`, streamed or not."""
        return Outlet(self.publish, self._calls.produced_for(request))

    def on_abandoned(self, request: Event, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` when the stream of `request` ends before its answer; returns how to forget it.

        It is called at once when that has happened already.
        """
        return self._calls.on_abandoned(request, callback)

    def fence(self, session: str, turn: int) -> None:
        """From now on nothing fenced of a turn older than `turn` is delivered. A fence never moves back."""
        if turn <= self._fences.get(session, 0):
            return
        self._fences[session] = turn
        for watcher in tuple(self._fence_watchers):
            watcher(session, turn)
        self._calls.end_stale()

    def is_stale(self, event: Event) -> bool:
        """True for work in progress of a turn that was fenced."""
        return event.fenced and 0 < event.turn < self._fences.get(event.session, 0)

    def fenced_turn(self, session: str) -> int:
        """The oldest turn of the session that is not fenced; 0 when none ever was."""
        return self._fences.get(session, 0)

    def on_fence(self, watcher: Callable[[str, int], None]) -> Callable[[], None]:
        """Call `watcher(session, turn)` at every fence, at once; returns how to stop."""
        return _listed(self._fence_watchers, watcher)

    def replay(self, since: str | None = None, *kinds: type[Event]) -> Iterator[Event]:
        """Return the events after the one with id `since`, of `kinds` (none: all), in the published order.

        None are missing: raises ReplayGap when `since` or, perhaps, one of those after it is no longer remembered.
        With `since` None, returns all that is remembered.
        """
        return self._ring.replay(since, kinds)

    async def drain(self, timeout: float) -> bool:
        """Wait until every queue is empty, at most `timeout` seconds; returns whether that came true.

        What was taken from its queue may still be in its reader's hand.
        """
        emptied = asyncio.Event()
        self._drains.add(emptied)
        try:
            async with asyncio.timeout(timeout):
                while any(backlog.buffer for backlog in self._backlogs):
                    emptied.clear()
                    await emptied.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._drains.discard(emptied)

    def retained(self) -> tuple[Event, ...]:
        """Return what a late subscriber of everything would get first."""
        return tuple(self._retained.values())

    def readers(self) -> tuple[tuple[tuple[type[Event], ...], str | None, str], ...]:
        """Return for each subscription its kinds, its session, and its name if it is a mailbox, else nothing."""
        return tuple((b.kinds, b.session, b.name if b.overflow is Overflow.FAIL else "") for b in self._backlogs)

    def on_readers(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` whenever a subscription was opened or closed; returns how to stop."""
        return _listed(self._on_readers, watcher)

    def answers(self, event: Event) -> bool:
        """True when somebody of this process answers the request."""
        return any(backlog.answers(event) for backlog in self._backlogs)

    def answered_elsewhere(self, answers: Callable[[Event], bool]) -> Callable[[], None]:
        """Ask `answers` too whether a request has an answerer, as a link to others knows; returns how to stop."""
        return _listed(self._elsewhere, answers)

    def on_handled(self, watcher: Callable[[Event], None]) -> Callable[[], None]:
        """Call `watcher` when a mailbox is done with an event (once for each mailbox); returns how to stop."""
        return _listed(self._on_handled, watcher)

    def handled(self, event: Event) -> None:
        """A mailbox is done with the event (mailboxes call this)."""
        for watcher in tuple(self._on_handled):
            watcher(event)

    def stats(self) -> tuple[Ledger, ...]:
        """The ledger of every open subscription (of every group, one), oldest first."""
        return tuple(backlog.ledger() for backlog in self._backlogs)

    def _route(self, cls: type[Event]) -> tuple[Callable[[Entry], None], tuple[Offer, ...]]:
        offers: list[Offer] = [self._retain] if cls.retained else []
        offers += self._taps
        offers += (backlog.entry() for backlog in self._backlogs if issubclass(cls, backlog.kinds))
        route = self._routes[cls] = (self._ring.keeper(cls), tuple(offers))
        return route

    def _retain(self, event: Event) -> None:
        slot = event.slot()
        self._retained.pop(slot, None)
        self._retained[slot] = event

    def _require_mailbox(self, event: Event) -> None:
        if event.id in self._calls.open:
            raise ValueError(f"{event.kind} {event.id} was asked already: make a new event")
        if self.is_stale(event):
            raise fenced(event)
        if not self.answers(event) and not any(answers(event) for answers in self._elsewhere):
            raise NoMailbox(
                f"Nobody here answers {event.kind}.", remedy="Start the service that does (`sotto doctor`)."
            )
        if not event.replies:
            raise ValueError(f"{event.kind} asks for no reply: publish it")

    def _leave(self, backlog: Backlog[Any]) -> None:
        if backlog.members:
            return
        self._backlogs.remove(backlog)
        self._groups = {name: b for name, b in self._groups.items() if b is not backlog}
        self._routes.clear()
        for watcher in tuple(self._on_readers):
            watcher()
        for drain in self._drains:
            drain.set()

    def _losing(self, ledger: Ledger) -> None:
        def tell() -> None:
            self.publish(
                self._stamp(
                    SubscriptionOverflowed,
                    subscription=ledger.name,
                    policy=ledger.overflow.value,
                    dropped=ledger.dropped,
                )
            )

        # In an empty context: it is nobody's doing who is handling an event now.
        asyncio.get_running_loop().call_soon(tell, context=Context())


def _listed(watchers: list[T], watcher: T) -> Callable[[], None]:
    """Add the watcher; return how to remove it."""
    watchers.append(watcher)

    def stop() -> None:
        with contextlib.suppress(ValueError):
            watchers.remove(watcher)

    return stop
