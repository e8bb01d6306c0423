"""What a service is, and what it is given.

A service is a name, the kinds of events it consumes, and one coroutine. Returning from it is finished, raising is
crashed, cancellation is stop; there is nothing else to implement. Settings and engines come through its constructor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Protocol, TypeVar

from bus import Bus, Mailbox
from shared.clock import Clock
from shared.events import Event, ServiceDegraded, ServiceReady, Stamp

__all__ = ["Context", "Service", "Turn"]

E = TypeVar("E", bound=Event)


class Service(Protocol):
    """The whole contract of a service."""

    name: ClassVar[str]
    consumes: ClassVar[tuple[type[Event], ...]]
    """Kinds that `ctx.inbox` delivers. Control only: audio is subscribed to with an overflow policy of its own."""

    async def run(self, ctx: Context) -> None:
        """Do the service's work until there is none left, or until cancelled."""
        ...


class Turn:
    """A scope for the work on one event: its tasks are cancelled when the event's turn is fenced or its stream closed.

    The event stays in the mailbox's hand until they all ended; one that raises crashes the service.
    """

    def __init__(self, event: Event, start: Callable[[Event, Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self.event = event
        self._start = start

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the inbox loop; returns its task, which ends cancelled when the turn is fenced."""
        return self._start(self.event, work)


class Context:
    """What the supervisor gives to a running service."""

    def __init__(
        self,
        name: str,
        *,
        bus: Bus,
        inbox: Mailbox,
        clock: Clock,
        ids: Callable[[], str],
        session: str,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.name = name
        self.bus = bus
        self.inbox = inbox
        self.clock = clock
        self.ids = ids
        self.session = session
        self.tasks = tasks
        """Background tasks of the service; one that raises crashes it, all end with it."""
        self._stamp = Stamp(name, clock, ids, session)
        self._working: dict[asyncio.Task[None], Event] = {}
        self._life: asyncio.Task[Any] | None = None
        self._ending = False

    def event(self, kind: type[E], **fields: Any) -> E:
        """Return a stamped event: session, turn and cause come from the event being handled unless given."""
        return self._stamp(kind, **fields)

    def emit(self, kind: type[E], **fields: Any) -> E:
        """Publish a stamped event and return it."""
        event = self._stamp(kind, **fields)
        self.bus.publish(event)
        return event

    def ready(self) -> None:
        """Say that the service does its work."""
        self.emit(ServiceReady, service=self.name)

    def degraded(self, reason: str) -> None:
        """Say that it works with less than it should, in words for a person that name the remedy."""
        self.emit(ServiceDegraded, service=self.name, reason=reason)

    def turn(self, event: Event) -> Turn:
        """Return the scope for tasks that work on `event`."""
        return Turn(event, self._start)

    async def serve(self, service: Service) -> None:
        """Run the service until it and its tasks on events ended (whoever made this context calls it, inside `tasks`).

        What it works on when it raises or is cancelled stays in the mailbox's hand; when it returns, that is done with.
        """
        self._life = asyncio.current_task()
        unwatch = self.bus.on_fence(self.cancel_fenced)
        try:
            await service.run(self)
            self.inbox.finish()
            while self._working:
                await asyncio.wait(tuple(self._working))
        except BaseException as error:
            self._ending = True
            if isinstance(error, Exception):
                self.inbox.blame()
            raise
        finally:
            unwatch()

    def cancel_fenced(self, session: str, turn: int) -> None:
        """Cancel the tasks of the session's turns older than `turn` (the supervisor calls this at every fence)."""
        for task, event in tuple(self._working.items()):
            if event.session == session and 0 < event.turn < turn:
                task.cancel()

    def _start(self, event: Event, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.inbox.hold(event)
        task = self.tasks.create_task(self._blaming(event, work), name=f"{self.name}:{event.kind}:{event.id}")
        forget = self.bus.on_abandoned(event, task.cancel)
        self._working[task] = event

        def ended(done: asyncio.Task[None]) -> None:
            forget()
            del self._working[done]
            work.close()  # cancelled before its first step, it would warn that nobody awaited it
            if not (self._cut_short() if done.cancelled() else done.exception()):
                self.inbox.release(event)

        task.add_done_callback(ended)
        if self.bus.is_stale(event):
            task.cancel()
        return task

    def _cut_short(self) -> bool:
        """True once the service itself ends: a task that is cancelled now was not called off, its event stays."""
        return self._ending or (self._life is not None and self._life.cancelling() > 0)

    async def _blaming(self, event: Event, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self.inbox.blame(event)
            raise
