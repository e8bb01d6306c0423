"""A stream over the bus: what a request causes, at its reader's pace, held back by credits.

A stream delivers every event that names the request as its cause, up to and including the answer (one of `replies`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from bus.subscription import SlowReader
from shared.errors import SottoError
from shared.events import Event

__all__ = ["DistantStream", "Outlet", "Stream", "StreamClosed"]


class StreamClosed(SottoError):
    """Nobody takes more of the stream: whoever produces for it should stop."""


class Stream:
    """An async iterator over what a request causes, and a context manager that closes it. Made by `Bus.stream`.

    At most `window` events wait unread, and the answer. A producer that sends through an `Outlet` waits for room. One
    that publishes regardless and finds the window full ends the stream: it is cancelled, the reader gets what waits
    and then SlowReader. Leaving the context (or `close`) before the answer cancels the producer. A fence does too:
    the reader gets the facts that wait and then Fenced. One task reads a stream; reading it leaves the cause of what
    that task does as it was.
    """

    def __init__(
        self, request: Event, window: int, *, is_stale: Callable[[Event], bool], over: Callable[[Stream], None]
    ) -> None:
        if window < 1:
            raise ValueError("a stream needs a window of at least 1")
        self.request = request
        self.window = window
        """Events that may wait unread, beside the answer."""
        self.finished = False
        """True once the request's answer arrived."""
        self.on_read: Callable[[int], None] | None = None
        """Called with the number of events read so far, and with -1 when it ends before the answer: links tell that."""
        self._read = 0
        self._is_stale = is_stale
        self._over = over
        self._buffer: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._error: SottoError | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once it takes no more events: answered, failed or left by its reader."""
        return self.finished or self._closed or self._error is not None

    @property
    def queued(self) -> int:
        """Events waiting unread, at most the window and the answer."""
        return len(self._buffer)

    def offer(self, event: Event) -> None:
        """Queue an event of this stream (the bus calls this)."""
        if self.closed:
            return
        if event.kind in self.request.replies:
            self._end(finished=True)
        elif len(self._buffer) >= self.window:
            self.fail(_overrun(self.request, self.window))
            return
        self._buffer.append(event)
        self._arrived.set()

    def fail(self, error: SottoError) -> None:
        """End the stream with an error, raised once what waits was read."""
        if not self.closed:
            self._error = error
            self._end()

    def close(self) -> None:
        """Stop reading; a producer that has not answered yet is cancelled. Closing twice is harmless."""
        self._buffer.clear()
        if not self.closed:
            self._closed = True
            self._end()
        self._closed = True

    async def credit(self) -> None:
        """Wait until there is room for one more event; raises StreamClosed when no more is taken."""
        while not self.closed and self.queued >= self.window:
            self._room.clear()
            await self._room.wait()
        if self.closed:
            raise StreamClosed(f"Nobody takes more of the answer to {self.request.kind} {self.request.id}.")

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Event:
        while True:
            while self._buffer:
                event = self._buffer.popleft()
                self._room.set()
                self._read += 1
                if self.on_read is not None:
                    self.on_read(self._read)
                if not self._is_stale(event):
                    return event
            if self._error is not None and not self._closed:
                raise self._error
            if self.closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _end(self, *, finished: bool = False) -> None:
        self.finished = finished
        self._room.set()
        self._arrived.set()
        self._over(self)
        if not finished and self.on_read is not None:
            self.on_read(-1)


class DistantStream(Stream):
    """A stream whose reader is in another process: what that one did not say it has read counts as waiting.

    Made by `Bus.read_elsewhere`, and closed when the reader leaves.
    """

    _sent = _taken = 0

    @property
    def queued(self) -> int:
        return self._sent - self._taken

    def offer(self, event: Event) -> None:
        if self.closed:
            return
        if event.kind in self.request.replies:
            self._end(finished=True)
        else:
            self._sent += 1

    def was_read(self, total: int) -> None:
        """The reader has taken so many since the start."""
        self._taken = max(self._taken, total)
        self._room.set()


class Outlet:
    """The producer's end: publishes, and waits for the reader when there is one. Made by `Bus.outlet`."""

    def __init__(self, publish: Callable[[Event], None], stream: Stream | None) -> None:
        self._publish = publish
        self._stream = stream

    async def send(self, event: Event) -> None:
        """Publish the event once the reader has room; at once when nobody streams.

        Raises StreamClosed, and publishes nothing, when the stream was answered, fenced or closed.
        """
        if self._stream is not None:
            await self._stream.credit()
        self._publish(event)


def _overrun(request: Event, window: int) -> SlowReader:
    return SlowReader(
        f"The answer to {request.kind} came faster than it was read: {window} events waited.",
        remedy="Send through `bus.outlet(request)`, which waits for the reader, or widen the window.",
    )
