"""Windows of streamed answers that cross: the reader's process says what was read, and the producer's waits for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from bus.core import Bus
from bus.errands import remember
from bus.stream import DistantStream
from bus.transport import Parcel, Read
from shared.events import Event

__all__ = ["Windows"]


class Windows:
    """See the module."""

    def __init__(self, bus: Bus, send: Callable[[Parcel], None]) -> None:
        self._bus = bus
        self._send = send
        self._distant: OrderedDict[str, DistantStream] = OrderedDict()
        """Streams whose reader is elsewhere, by request."""

    def open(self, request: Event, to: tuple[str, ...]) -> int:
        """How far ahead who answers it may go, told of what is read, half a window at a time; 0: as far as he likes."""
        stream = self._bus.stream_of(request)
        if stream is None:
            return 0
        told, step = 0, max(1, stream.window // 2)

        def tell(total: int) -> None:
            nonlocal told
            if total < 0 or total - told >= step:
                told = total
                self._send(Parcel(to=to, read=Read(request.id, total)))

        stream.on_read = tell
        return stream.window

    def came(self, request: Event, window: int) -> None:
        """Its answer is read elsewhere, so far ahead at most."""
        remember(self._distant, request.id, self._bus.read_elsewhere(request, window))

    def was_read(self, read: Read) -> None:
        """The reader elsewhere says how far it is."""
        stream = self._distant.get(read.request)
        if stream is None:
            return
        if read.total < 0:
            del self._distant[read.request]
            stream.close()
        else:
            stream.was_read(read.total)
