"""A link: the local bus and those of other processes become one.

An event crosses only to processes that read it: those that asked for its kind, and of other people's conversations only
what a process that holds none of its own works on. A request goes to one process that serves it, the same one for a
conversation as long as it lives; when it dies before it said anything, another one gets the request. One that nobody
answers yet waits some seconds for somebody who joins. Fences cross too.
What comes in counts as handled when every mailbox here is done with it, and is delivered again after a crash of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from bus.core import Bus
from bus.transport import Node, Parcel, RedisTransport
from shared.errors import SottoError
from shared.events import (
    Event,
    Registry,
    ServiceCrashed,
    ServiceDegraded,
    ServiceFailed,
    ServiceReady,
    ServiceStarting,
    ServiceStopped,
    Stamp,
    UnknownKind,
    decode,
    encode,
)

__all__ = ["Link", "describe"]

T = TypeVar("T")

_REMEMBERED = 8192
_TRIM_EVERY = 30
"""Beats."""
_FAREWELL_S = 0.3
_UNPLACED_S = 5.0
_WELL = (ServiceReady, ServiceStarting, ServiceDegraded)
_ILL = (ServiceCrashed, ServiceStopped, ServiceFailed)

_log = structlog.get_logger("link")


class Link:
    """See the module. `node` describes this process as it stands; `beat_s` is how often it says that it lives.

    One that `returns` under its name finds then what it left unhandled; another leaves nothing behind.
    """

    def __init__(
        self,
        bus: Bus,
        transport: RedisTransport,
        registry: Registry,
        node: Callable[[], Node],
        stamp: Stamp,
        *,
        beat_s: float = 1.0,
        returns: bool = True,
    ) -> None:
        self._bus = bus
        self._transport = transport
        self._registry = registry
        self._node = node
        self._stamp = stamp
        self._beat_s = beat_s
        self._returns = returns
        self._nodes: Mapping[str, Node] = {}
        self._targets: dict[tuple[type[Event], str], tuple[str, ...]] = {}
        self._arriving: Event | None = None
        self._fencing = False
        self._open: OrderedDict[str, tuple[Event, str, bool]] = OrderedDict()
        """Requests that another process works on, by id: who, and whether it said something."""
        self._unplaced: deque[tuple[float, Event]] = deque(maxlen=_REMEMBERED)
        """Requests that nobody could answer, with when they were made: whoever joins in time gets them."""
        self._askers: OrderedDict[str, str] = OrderedDict()
        """Who sent the requests that came here: what they cause goes back there."""
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._in_hand: dict[str, tuple[Event, bytes, int]] = {}
        """What came and is worked on here: where it stands in the log, and how many mailboxes have it."""
        self.met = asyncio.Event()
        """Set once the others are known."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All processes that live, this one included, by name."""
        return self._nodes

    @property
    def away(self) -> int:
        """What waits to be sent."""
        return self._transport.unsent

    def elsewhere(self, event: Event) -> bool:
        """True when another process answers the request."""
        return bool(self._servers(event))

    async def run(self) -> None:
        """Link until cancelled. Raises BusUnreachable and BusUnfit at the start, and NameTaken."""
        await self._transport.open()
        self._unplaced.extend(self._asked_before())
        undo = (
            self._bus.tap(self._leaving),
            self._bus.on_fence(self._fenced),
            self._bus.on_handled(self._handled),
            self._bus.answered_elsewhere(self.elsewhere),
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._transport.keep_sending(), name="link:send")
                tasks.create_task(self._beat(), name="link:beat")
                await self.met.wait()
                async for parcel in self._transport.receive():
                    self._arrived(parcel)
        finally:
            for stop in undo:
                stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    await self._transport.leave(for_good=not self._returns)

    # ---- what leaves

    def _leaving(self, event: Event) -> None:
        if event is self._arriving:
            return
        self._answered(event)
        to = self._addressees(event)
        asker = self._askers.get(event.cause or "")
        if asker is not None and asker not in to:
            to = (*to, asker)
        if to:
            self._send(event, to)

    def _addressees(self, event: Event) -> tuple[str, ...]:
        if event.replies:
            server = self._server(event)
            if server is None:
                if not self._bus.answers(event):
                    self._unplaced.append((asyncio.get_running_loop().time(), event))
                return ()
            _remember(self._open, event.id, (event, server, False))
            return (server,)
        slot = (type(event), event.session)
        found = self._targets.get(slot)
        if found is None:
            found = self._targets[slot] = tuple(
                name
                for name, node in self._nodes.items()
                if name != self._transport.name and self._concerns(node, event)
            )
        return found

    def _concerns(self, node: Node, event: Event) -> bool:
        if not node.reads(event.kind, event.session):
            return False
        if not node.sessions or event.session in ("", *node.sessions):
            return True
        return not any(event.session in other.sessions for other in self._nodes.values())

    def _others(self) -> list[Node]:
        return [node for name, node in self._nodes.items() if name != self._transport.name]

    def _servers(self, event: Event) -> list[str]:
        return [node.name for node in self._others() if event.kind in node.serves]

    def _server(self, event: Event, but: str = "") -> str | None:
        """The process that gets a request, chosen by the conversation (rendezvous hash); None: it is answered here."""
        if self._bus.answers(event):
            return None
        able = [name for name in self._servers(event) if name != but]
        return max(able, key=lambda name: hashlib.blake2b(f"{event.session} {name}".encode()).digest(), default=None)

    def _send(self, event: Event, to: tuple[str, ...]) -> None:
        header, payload = encode(event)
        self._transport.send(Parcel(header, payload, to, fleeting=bool(event.payload) and not event.fenced))

    def _fenced(self, session: str, turn: int) -> None:
        for name, (event, entry, _) in tuple(self._in_hand.items()):
            if self._bus.is_stale(event):
                del self._in_hand[name]
                self._transport.settle(entry)
        others = tuple(node.name for node in self._others())
        if others and not self._fencing:
            self._transport.send(Parcel(to=others, fence=(session, turn)))

    # ---- what comes

    def _arrived(self, parcel: Parcel) -> None:
        if parcel.fence is not None:
            self._fencing = True
            self._bus.fence(*parcel.fence)
            self._fencing = False
            self._transport.settle(parcel.entry)
            return
        event = self._decoded(parcel)
        if event is None or event.id in self._seen or self._outshone(event, parcel.origin):
            self._transport.settle(parcel.entry)
            return
        _remember(self._seen, event.id, None)
        if event.replies:
            _remember(self._askers, event.id, parcel.origin)
        readers = 0 if self._bus.is_stale(event) else sum(box.takes(event) for box in self._bus.mailboxes)
        if readers:
            self._in_hand[event.id] = (event, parcel.entry, readers)
        else:
            self._transport.settle(parcel.entry)
        self._answered(event)
        self._deliver(event)

    def _decoded(self, parcel: Parcel) -> Event | None:
        try:
            return decode(self._registry, parcel.header, parcel.payload)
        except UnknownKind as error:
            _log.info("an event of another version was left out", origin=parcel.origin, error=str(error))
        except SottoError as error:
            _log.error("an event that cannot be read came in", origin=parcel.origin, error=str(error))
        return None

    def _outshone(self, event: Event, origin: str) -> bool:
        """A service that ails there is no news while another process has it as well."""
        return isinstance(event, _ILL) and bool(self._others_with(event.service, origin))

    def _deliver(self, event: Event) -> None:
        self._arriving = event
        try:
            self._bus.publish(event)
        finally:
            self._arriving = None

    def _handled(self, event: Event) -> None:
        held = self._in_hand.get(event.id)
        if held is None:
            return
        _, entry, readers = held
        if readers > 1:
            self._in_hand[event.id] = (event, entry, readers - 1)
            return
        del self._in_hand[event.id]
        self._transport.settle(entry)

    def _answered(self, event: Event) -> None:
        asked = self._open.get(event.cause or "")
        if asked is None:
            return
        request, server, _ = asked
        if event.kind in request.replies:
            del self._open[request.id]
        else:
            self._open[request.id] = (request, server, True)

    # ---- who is there

    async def _beat(self) -> None:
        beats = 0
        while True:
            try:
                self._meet(await self._transport.announce(self._node()))
                if beats % _TRIM_EVERY == _TRIM_EVERY - 1:
                    await self._transport.trim()
            except SottoError as error:
                if not self.met.is_set():
                    raise
                _log.info("could not say that we live", error=str(error))
            beats += 1
            await asyncio.sleep(self._beat_s)

    def _meet(self, nodes: Mapping[str, Node]) -> None:
        before, self._nodes = self._nodes, nodes
        if nodes != before:
            self._targets.clear()
        self.met.set()
        for name, node in before.items():
            if name not in nodes:
                self._lost(node)
        for name, node in nodes.items():
            if name != self._transport.name and (name not in before or before[name].token != node.token):
                _log.info("a process joined", process=name, services=node.services)
                self._tell(node)
        self._place()

    def _asked_before(self) -> list[tuple[float, Event]]:
        """What was asked here before we listened, and nobody here answers."""
        now, before = asyncio.get_running_loop().time(), tuple(self._bus.replay())
        causes = {event.cause for event in before}
        return [
            (now, event)
            for event in before
            if event.replies and event.id not in causes and not self._bus.answers(event)
        ]

    def _place(self) -> None:
        """Send what was asked before anybody who answers it was known; what is asked for too long is given up."""
        waiting, now = tuple(self._unplaced), asyncio.get_running_loop().time()
        self._unplaced.clear()
        for asked, event in waiting:
            if now - asked > _UNPLACED_S or self._bus.is_stale(event):
                continue
            server = self._server(event)
            if server is None:
                self._unplaced.append((asked, event))
            else:
                _remember(self._open, event.id, (event, server, False))
                self._send(event, (server,))

    def _tell(self, node: Node) -> None:
        """Who comes later gets what is retained."""
        for event in self._bus.retained():
            if self._concerns(node, event) and event.id not in self._seen:
                self._send(event, (node.name,))

    def _lost(self, node: Node) -> None:
        """A process fell silent: its open requests go to another one, else its services have crashed for us."""
        _log.warning("a process went away", process=node.name, services=node.services)
        struck = set()
        for request, server, spoke in tuple(self._open.values()):
            if server != node.name:
                continue
            other = None if spoke else self._server(request, but=node.name)
            if other is None:
                struck.add(request.kind)
                del self._open[request.id]
            else:
                _remember(self._open, request.id, (request, other, False))
                self._send(request, (other,))
        for service in () if node.sessions else node.services:  # of a conversation that ended nobody else needs any
            if struck & set(node.serves) or not self._others_with(service, node.name):
                error = f"the process {node.name} went away"
                self._bus.publish(self._stamp(ServiceCrashed, service=service, error=error, handling=None))
                if self._others_with(service, node.name):
                    self._bus.publish(self._stamp(ServiceReady, service=service))

    def _others_with(self, service: str, but: str) -> list[str]:
        return [name for name, node in self._nodes.items() if name != but and service in node.services]


def _remember(last: OrderedDict[str, T], key: str, value: T) -> None:
    last[key] = value
    if len(last) > _REMEMBERED:
        last.popitem(last=False)


def describe(bus: Bus, registry: Registry, **about: Any) -> Node:
    """Return what a process says of itself, its wants and what it serves read off its bus."""
    readers = bus.readers()
    wants = {}
    for cls in registry:
        sessions = {session for kinds, session, _ in readers if _asks(kinds, cls)}
        if sessions:
            wants[cls.kind] = None if None in sessions else tuple(sorted(s for s in sessions if s is not None))
    serves = tuple(
        cls.kind for cls in registry if cls.replies and any(box and _asks(kinds, cls) for kinds, _, box in readers)
    )
    return Node(wants=wants, serves=serves, **about)


def _asks(kinds: tuple[type[Event], ...], cls: type[Event]) -> bool:
    """Who reads everything is not meant to get sound."""
    return issubclass(cls, kinds) and (not cls.payload or Event not in kinds)
