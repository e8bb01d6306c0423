"""Calls: the requests of one bus whose answer somebody waits for, and the streams that were left before it came."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from bus.request import Call, Fenced
from bus.stream import DistantStream, Stream
from shared.events import Event

__all__ = ["Calls", "fenced"]

_ABANDONED = 1024
"""Streams closed before their answer that are remembered, for a producer that has yet to take the request."""


class Calls:
    """See the module. `is_stale` is true for work of a turn that was fenced."""

    def __init__(self, is_stale: Callable[[Event], bool]) -> None:
        self.open: dict[str, Call] = {}
        """By the request's id."""
        self._is_stale = is_stale
        self._abandoned: dict[str, Stream] = {}
        self._on_abandoned: dict[str, list[Callable[[], object]]] = {}

    def stream(self, request: Event, window: int) -> Stream:
        """Open a stream for what the request will cause."""
        self._abandoned.pop(request.id, None)  # it may be asked again
        stream = self.open[request.id] = Stream(request, window, is_stale=self._is_stale, over=self._over)
        return stream

    def distant(self, request: Event, window: int) -> DistantStream:
        """Open one that is read in another process."""
        self._abandoned.pop(request.id, None)
        stream = DistantStream(request, window, is_stale=self._is_stale, over=self._over)
        self.open[request.id] = stream
        return stream

    def stream_of(self, request: Event) -> Stream | None:
        """Return the open stream of the request."""
        call = self.open.get(request.id)
        return call if isinstance(call, Stream) else None

    def produced_for(self, request: Event) -> Stream | None:
        """Return the stream of the request, open or left before its answer."""
        call = self.open.get(request.id) or self._abandoned.get(request.id)
        return call if isinstance(call, Stream) else None

    def answer(self, event: Event) -> None:
        """Offer it to who waits for what its cause causes."""
        call = self.open.get(event.cause or "")
        if call is not None:
            call.offer(event)

    def end_stale(self) -> None:
        """Some turn was fenced: end the calls that are work of it."""
        for call in tuple(self.open.values()):
            if self._is_stale(call.request):
                call.fail(fenced(call.request))

    def on_abandoned(self, request: Event, callback: Callable[[], object]) -> Callable[[], None]:
        """See `Bus.on_abandoned`."""
        if request.id in self._abandoned:
            callback()
            return lambda: None
        callbacks = self._on_abandoned.setdefault(request.id, [])
        callbacks.append(callback)

        def forget() -> None:
            with contextlib.suppress(ValueError):
                callbacks.remove(callback)
            if not callbacks:
                self._on_abandoned.pop(request.id, None)

        return forget

    def _over(self, stream: Stream) -> None:
        request = stream.request.id
        del self.open[request]
        if stream.finished:
            return
        self._abandoned[request] = stream
        if len(self._abandoned) > _ABANDONED:
            del self._abandoned[next(iter(self._abandoned))]
        for callback in tuple(self._on_abandoned.pop(request, ())):
            callback()


def fenced(request: Event) -> Fenced:
    """What ends a request of a turn that was fenced."""
    return Fenced(f"The turn of {request.kind} was fenced.")
