"""A link: the local bus and those of other processes become one.

An event crosses only to processes that read it: those that asked for its kind, and of other people's conversations only
what a process that holds none of its own works on. A request goes to one process that serves it; when it dies before it
said anything, another one gets the request. Whoever joins gets what he reads of the last seconds, and what was asked in
them that nobody answers yet: between his saying what he reads and our hearing of it nothing is lost.
Fences cross too, and how far a stream was read.
What comes in counts as handled when every mailbox here is done with it, and is delivered again after a crash of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping

from bus.asking import TRIES, Asking
from bus.core import Bus
from bus.errands import remember
from bus.late import Late
from bus.neighbours import Neighbours
from bus.transport import Letter, Node, Parcel, RedisTransport, Taken
from bus.windows import Windows
from shared.errors import SottoError
from shared.events import (
    Event,
    EventDead,
    Registry,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    ServiceStopped,
    Stamp,
    UnknownKind,
    decode,
    encode,
)
from shared.logs import get_logger

__all__ = ["Link"]

_SWEEP_EVERY = 60
"""Beats."""
_FAREWELL_S = 0.3
_MARGIN_S = 0.01
_ILL = (ServiceCrashed, ServiceStopped, ServiceFailed)

_log = get_logger("link")


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
        self._neighbours = Neighbours(transport.name)
        self._arriving: Event | None = None
        self._fencing = False
        self._asking = Asking(bus, self._neighbours, self._send, transport.send, self._given_up)
        self._late = Late(bus, self._neighbours, self._send, self._asking.ask)
        self._windows = Windows(bus, transport.send)
        self._askers: OrderedDict[str, str] = OrderedDict()
        """Who sent the requests that came here: what they cause is heard there."""
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self._in_hand: dict[str, tuple[Event, bytes, int]] = {}
        """What came and is worked on here: where it stands in the log, and how many mailboxes have it."""
        self._announced = -math.inf
        self._sure_from = 0.0
        self._caught_up = False
        """What lay in our log when we came, or after a silence, was read to its end."""
        self._came: list[Parcel] = []
        """What came while it was not sure that it is still ours."""
        self._dead: asyncio.Queue[Letter] = asyncio.Queue()
        self.met = asyncio.Event()
        """Set once the others are known."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All processes that live, this one included, by name."""
        return self._neighbours.nodes

    @property
    def away(self) -> int:
        """What waits to be sent."""
        return self._transport.unsent

    def elsewhere(self, event: Event) -> bool:
        """True when another process answers the request."""
        return bool(self._neighbours.able(event))

    def server_of(self, request: Event) -> str:
        """Name of the process that would get the request now; empty when none would."""
        return self._asking.server(request) or ""

    async def run(self) -> None:
        """Link until cancelled. Raises BusUnreachable and BusUnfit at the start, Taken any time."""
        await self._transport.open(self._node().token)
        self._late.look_back(first=self._transport.fresh)
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
                tasks.create_task(self._bury(), name="link:bury")
                await self.met.wait()
                async for parcels, that_is_all in self._transport.receive():
                    self._receive(parcels, that_is_all=that_is_all)
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
        if isinstance(event, EventDead) and event.event in self._seen:
            self._give_up(event.header.encode(), b"", f"{event.service} crashed over it: {event.error}")
        asks = bool(event.replies)
        to = self._asked(event) if asks else self._neighbours.reading(event)
        asker = self._askers.get(event.cause or "")
        if asker is not None and asker not in to and not (asks and self._neighbours.serves(asker, event.kind)):
            to = (*to, asker)
        if (asker is None and not asks) or event.retained:
            self._late.keep(event, to)
        if to:
            self._send(event, to)

    def _asked(self, request: Event) -> tuple[str, ...]:
        server = self._asking.assign(request)
        if server is None and not self._bus.answers(request):
            self._late.keep(request)
        return () if server is None else (server,)

    def _send(self, event: Event, to: tuple[str, ...]) -> None:
        header, payload = encode(event)
        window = self._windows.open(event, to) if event.replies else 0
        fleeting = bool(payload) and not event.fenced
        self._transport.send(Parcel(header, payload, to, window=window, fleeting=fleeting))

    def _fenced(self, session: str, turn: int) -> None:
        for name, (event, entry, _) in tuple(self._in_hand.items()):
            if self._bus.is_stale(event):
                del self._in_hand[name]
                self._transport.settle(entry)
        others = tuple(node.name for node in self._neighbours.others())
        if others and not self._fencing:
            self._transport.send(Parcel(to=others, fence=(session, turn)))

    # ---- what comes

    def _receive(self, parcels: list[Parcel], *, that_is_all: bool) -> None:
        """Take what came, unless we were silent for so long that others may have got our work: look then first."""
        for parcel in parcels:
            if parcel.revoked:
                remember(self._revoked, parcel.revoked, None)
        self._came += parcels
        sure = _now() - self._announced <= self._transport.alive_s and _now() >= self._sure_from
        if sure and (that_is_all or self._caught_up):
            self._caught_up = True
            came, self._came = self._came, []
            for parcel in came:
                if parcel.header:
                    self._event_arrived(parcel)
                else:
                    self._word_arrived(parcel)

    def _word_arrived(self, parcel: Parcel) -> None:
        if parcel.fence is not None:
            self._fencing = True
            self._bus.fence(*parcel.fence)
            self._fencing = False
        elif parcel.read is not None:
            self._windows.was_read(parcel.read)
        self._transport.settle(parcel.entry)

    def _event_arrived(self, parcel: Parcel) -> None:
        event = self._decoded(parcel)
        if event is None or not self._wanted(event, parcel):
            self._transport.settle(parcel.entry)
            return
        remember(self._seen, event.id, None)
        self._late.came(event)
        if event.replies:
            remember(self._askers, event.id, parcel.origin)
        if parcel.window:
            self._windows.came(event, parcel.window)
        readers = 0 if self._bus.is_stale(event) else sum([box.takes(event) for box in self._bus.mailboxes])
        if readers:
            self._in_hand[event.id] = (event, parcel.entry, readers)
        self._deliver(event)
        if not readers:
            self._transport.settle(parcel.entry)  # afterwards: who reads it comes before what we say of it

    def _wanted(self, event: Event, parcel: Parcel) -> bool:
        if parcel.tries >= TRIES:
            self._give_up(
                parcel.header, parcel.payload, f"{parcel.tries} lives of {self._transport.name} ended over it"
            )
            return False
        if parcel.again:
            return True
        if event.id in self._seen or event.id in self._revoked:
            return False
        return self._asking.heard(event, parcel.origin, parcel.life) and not self._outshone(event, parcel.origin)

    def _decoded(self, parcel: Parcel) -> Event | None:
        try:
            return decode(self._registry, parcel.header, parcel.payload)
        except UnknownKind as error:
            _log.warning("an event of another version was left out", origin=parcel.origin, error=str(error))
        except SottoError as error:
            _log.error("an event that cannot be read came in", origin=parcel.origin, error=str(error))
            self._give_up(parcel.header, parcel.payload, str(error))
        return None

    def _outshone(self, event: Event, origin: str) -> bool:
        """A service that ails there is no news while another process has it as well."""
        return isinstance(event, _ILL) and bool(self._neighbours.with_service(event.service, origin))

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

    def _give_up(self, header: bytes, payload: bytes, reason: str) -> None:
        _log.error("an event was given up", reason=reason)
        self._dead.put_nowait(Letter(header, payload, reason, self._transport.name))

    def _given_up(self, request: Event, reason: str) -> None:
        self._give_up(*encode(request), reason)

    async def _bury(self) -> None:
        while True:
            await self._transport.bury(await self._dead.get())

    # ---- who is there

    async def _beat(self) -> None:
        beats = 0
        while True:
            try:
                await self._announce()
                if beats % _SWEEP_EVERY == _SWEEP_EVERY - 1:
                    await self._transport.presence.sweep()
            except Taken:
                raise
            except SottoError as error:
                if not self.met.is_set():
                    raise
                _log.info("could not say that we live", error=str(error))
            beats += 1
            await asyncio.sleep(min(self._beat_s, self._transport.presence.soonest_s + _MARGIN_S))

    async def _announce(self) -> None:
        silent = _now() - self._announced > self._transport.alive_s
        nodes = await self._transport.presence.announce(self._node(), anew=silent)
        if silent and self.met.is_set():
            self._sure_from = _now() + self._beat_s
            self._caught_up = False
        self._announced = _now()
        self._meet(nodes)

    def _meet(self, nodes: Mapping[str, Node]) -> None:
        lost, joined = self._neighbours.update(nodes, _now())
        self.met.set()
        for node in lost:
            self._lost(node)
        for node, known in joined:
            _log.info("a process joined", process=node.name, services=node.services)
            old = [cls.kind for cls in self._registry if cls.kind in node.wants and not node.can_read(cls)]
            if old:
                _log.warning("an older version runs there and does not get", process=node.name, kinds=old)
            if known and (begun := self._asking.reborn(node.name)):
                self._mourn(node, begun)
        self._late.tell({node.name for node, _ in joined})
        for service in self._late.catch_up():
            self._tell_here(self._crash(service, "no process runs it any more"))

    def _lost(self, node: Node) -> None:
        _log.warning("a process went away", process=node.name, services=node.services)
        self._mourn(node, self._asking.lost(node.name))

    def _mourn(self, node: Node, lost: set[str]) -> None:
        """Tell a crash of those of its services that had such requests, and of those that nobody runs any more."""
        struck = {service for kind in lost for service in node.behind(kind)}
        for service in () if node.sessions else node.services:  # of a conversation that ended nobody else needs any
            crash = self._crash(service, f"the process {node.name} went away")
            if not self._neighbours.with_service(service):
                self._tell_here(crash)
            elif service in struck:
                self._bus.publish(crash)
                self._bus.publish(self._stamp(ServiceReady, service=service))

    def _tell_here(self, event: Event) -> None:
        """Publish what every process sees for itself."""
        self._late.came(event)
        self._deliver(event)

    def _crash(self, service: str, error: str) -> ServiceCrashed:
        return self._stamp(ServiceCrashed, service=service, error=error, handling=None)


def _now() -> float:
    return asyncio.get_running_loop().time()
