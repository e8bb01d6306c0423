"""What the gateway shows of other services, handed to it by the composition root: it knows none of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import JsonValue

from bus.transport import Letter

__all__ = ["App", "Receive", "Route", "Scope", "Send", "Sources"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


class Route(Protocol):
    """What answers at a path: an ASGI application that answers in one piece, raises nothing, and knows some answers."""

    def known(self, body: bytes, /) -> bytes | None:
        """Return the JSON that a POST of this body is answered with, if it need not be worked out; raises nothing."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Each is None where its service is not part of this assistant; the route then says so."""

    models: Callable[[], Sequence[Mapping[str, str | int | None]]] | None = None
    """Lines of the models on disk and in the catalogue; looks at the disk and may block."""
    stats: Callable[[], dict[str, JsonValue]] | None = None
    """What the metrics service knows; for the event loop."""
    exposition: Callable[[], bytes] | None = None
    """The same in Prometheus's text format; for the event loop."""
    sessions: Path | None = None
    """The folder that recorded sessions are in."""
    again: tuple[str, ...] = ()
    """The program that holds a recorded session again: given its folder and settings as KEY=VALUE, it prints JSON."""
    dead: Callable[[], Awaitable[Sequence[Letter]]] | None = None
    """The events that processes gave up, the oldest first; raises BusUnreachable and BusUnfit."""
    retry: Callable[[str, str], Awaitable[Letter]] | None = None
    """Send one of them again, by its entry, to a process or (empty) to who gave it up; raises NotDead too."""
    routes: tuple[Callable[[], Mapping[str, Route]], ...] = ()
    """Paths that other services answer themselves, each for whom the doors let in. Made when the gateway opens, on its
    thread. They read, limit and refuse requests on their own, with errors of the gateway's form."""
