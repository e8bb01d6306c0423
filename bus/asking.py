"""Asking: a request that others answer goes to one process, and when that one dies before it said anything to another.

Until a process answers, it is known who has the request; what anybody else says of it is not heard.
"""

from __future__ import annotations

from collections.abc import Callable

from bus.core import Bus
from bus.errands import Errand, Errands
from bus.neighbours import Neighbours
from bus.transport import Parcel
from shared.events import Event

__all__ = ["TRIES", "Asking"]

TRIES = 5
"""Lives or processes that may end over one event."""


class Asking:
    """See the module. `send` sends an event to those named, `tell` a word to another link, `dead` puts one aside."""

    def __init__(
        self,
        bus: Bus,
        neighbours: Neighbours,
        send: Callable[[Event, tuple[str, ...]], None],
        tell: Callable[[Parcel], None],
        dead: Callable[[Event, str], None],
    ) -> None:
        self._bus = bus
        self._neighbours = neighbours
        self._send = send
        self._tell = tell
        self._dead = dead
        self._errands = Errands()

    def server(self, request: Event, but: str = "") -> str | None:
        """The process that would get it, without one of them; None: it is answered here, or by nobody."""
        if self._bus.answers(request):
            return None
        return self._errands.choose(request, (name for name in self._neighbours.able(request) if name != but))

    def assign(self, request: Event, but: str = "") -> str | None:
        """Note, and return, who has it from now on."""
        server = self.server(request, but)
        if server is not None:
            self._errands.give(request, server)
        return server

    def ask(self, request: Event, but: str = "") -> bool:
        """Send it to the process that answers it by now; False when there is none."""
        server = self.assign(request, but)
        if server is not None:
            self._send(request, (server,))
        return server is not None

    def heard(self, event: Event, origin: str, life: str) -> bool:
        """False for work and answers that nobody waits for (any more) from there."""
        return self._errands.heard(event, origin, life)

    def lost(self, process: str) -> set[str]:
        """It fell silent: others get what it had not begun. Returns the kinds of what nobody answers now."""
        return {errand.request.kind for errand in self._errands.of(process) if not self._handed_on(errand)}

    def reborn(self, process: str) -> set[str]:
        """It was killed and is back: what it had not begun it finds in its log. Returns the kinds of what it had."""
        begun = [errand for errand in self._errands.of(process) if errand.spoke]
        for errand in begun:
            self._revoke(errand)
            self._errands.give_up(errand)
        return {errand.request.kind for errand in begun}

    def _handed_on(self, errand: Errand) -> bool:
        """False when no other process can do it, or enough have died of it, or its words would be said twice.

        Where no other one can, the lost one finds it in its log when it comes back.
        """
        if errand.spoke or errand.tries >= TRIES:
            self._revoke(errand)
            self._errands.give_up(errand)
            if errand.tries >= TRIES:
                self._dead(errand.request, f"{errand.tries} processes ended over it")
            return False
        if not self.ask(errand.request, but=errand.server):
            return False
        self._revoke(errand)
        return True

    def _revoke(self, errand: Errand) -> None:
        """Whoever was only stopped does not begin what somebody else has got."""
        self._tell(Parcel(to=(errand.server,), revoked=errand.request.id))
