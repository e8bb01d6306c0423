"""A subscription: a reader's handle on a backlog.

Delivery follows the published order. A fenced kind of an older turn is skipped at the moment of delivery, wherever it
waited. Several tasks may iterate one subscription, or several members of a group: each event goes to one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from bus.backlog import Backlog, Ledger, Overflow
from shared.errors import SottoError
from shared.events import Event, current

__all__ = ["SlowReader", "Subscription"]

E = TypeVar("E", bound=Event)


class SlowReader(SottoError):
    """Events came faster than they were read, and may not be lost unnoticed. Reading goes on with what is queued."""


class Subscription(Generic[E]):
    """An async iterator over events, and a context manager that closes it. Made by `Bus.subscribe`.

    Cancelling a pending read loses nothing. After `close` the iteration ends once the queue is empty; in a group whose
    other members go on, at once.
    """

    __slots__ = ("_backlog", "_closed", "_leave", "_loop")

    def __init__(self, backlog: Backlog[E], leave: Callable[[Backlog[E]], None]) -> None:
        self._backlog = backlog
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._closed = False
        backlog.members += 1

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return self._backlog.name

    @property
    def kinds(self) -> tuple[type[Event], ...]:
        """The classes it asked for."""
        return self._backlog.kinds

    @property
    def overflow(self) -> Overflow:
        """Its policy."""
        return self._backlog.overflow

    @property
    def queued(self) -> int:
        """Events waiting now."""
        return len(self._backlog.buffer)

    @property
    def dropped(self) -> int:
        """Events lost to the overflow policy since the start."""
        return self._backlog.dropped

    def ledger(self) -> Ledger:
        """The account of this moment; members of a group share one."""
        return self._backlog.ledger()

    def waiting(self) -> tuple[E, ...]:
        """Return what is queued, and leave it there."""
        return self._backlog.waiting()

    def take_nowait(self) -> E | None:
        """Return the next event that may still be delivered, or None when nothing is queued.

        Unlike iteration it leaves the cause of what the task does as it was, and says nothing of an overflow.
        """
        return self._backlog.take()

    def forgive(self) -> None:
        """Forget an overflow that no reader was told of yet: its reader was restarted because of it."""
        self._backlog.failed = False

    def takes(self, event: Event) -> bool:
        """True when an event of this kind and session is delivered here."""
        backlog = self._backlog
        return not self._closed and isinstance(event, backlog.kinds) and backlog.session in (None, event.session)

    def close(self) -> None:
        """Take no more events. Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            self._backlog.members -= 1
            self._leave(self._backlog)
            self._backlog.wake_all()

    def __aiter__(self) -> Subscription[E]:
        return self

    async def __anext__(self) -> E:
        backlog = self._backlog
        while True:
            if backlog.failed:
                backlog.failed = False
                backlog.pass_on()
                raise _slow(backlog)
            if self._closed and backlog.members:
                raise StopAsyncIteration
            event = backlog.take()
            if event is not None:
                current.set(event)
                return event
            if self._closed:
                raise StopAsyncIteration
            waiter = self._loop.create_future()
            backlog.waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                backlog.left(waiter)
                raise

    async def __aenter__(self) -> Subscription[E]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __enter__(self) -> Subscription[E]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _slow(backlog: Backlog[E]) -> SlowReader:
    return SlowReader(
        f"{backlog.name} did not read for so long that its queue of {backlog.capacity} events overflowed "
        f"({backlog.dropped} lost).",
        remedy="Move the slow work off the reading loop, or give the subscription a larger capacity.",
    )
