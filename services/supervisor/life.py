"""The life of one child: its mailbox, which outlives crashes, and its present run with how that ended."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bus import Bus, Mailbox, SlowReader, Subscription
from services.contract import Context
from services.supervisor.child import Child
from shared.clock import Clock
from shared.events import Event, ServiceStarting

__all__ = ["Life", "Outcome"]

_GRACE = 1.0
"""Seconds that a run which hangs has to obey its cancellation before it is left behind."""
_CALLS = 6
"""How many calls of a crash are told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: it returned, it raised (or was stuck and cut off), it was stopped, or it does not end."""

    how: Literal["finished", "crashed", "stopped", "hung"]
    error: BaseException | None = None

    @property
    def root(self) -> BaseException | None:
        """The first error at the bottom of what a group of tasks raised."""
        error = self.error
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return error

    @property
    def reason(self) -> str:
        """The root error in one line."""
        return f"{type(self.root).__name__}: {self.root}" if self.root is not None else ""

    @property
    def where(self) -> str:
        """The last calls that led to the root error, outermost first, from line numbers alone: nothing is read."""
        frames = traceback.walk_tb(self.root.__traceback__ if self.root is not None else None)
        calls = [f"{'/'.join(Path(f.f_code.co_filename).parts[-2:])}:{line} {f.f_code.co_name}" for f, line in frames]
        return " > ".join(calls[-_CALLS:])


class _UpContext(Context):
    """A context that also tells the supervisor when the service is up."""

    up: Callable[[], None]

    def ready(self) -> None:
        super().ready()
        self.up()

    def degraded(self, reason: str) -> None:
        super().degraded(reason)
        self.up()


class Life:
    """See the module. `start` plans a run; `ended` is done when that run is over or given up."""

    def __init__(self, child: Child, bus: Bus, clock: Clock, ids: Callable[[], str], session: str) -> None:
        self.child = child
        self.name = child.label
        self.mailbox = Mailbox(bus, self._subscribe(bus), owner=self.name)
        self.ended: asyncio.Future[Outcome] | None = None
        """The present or planned run; None when there is neither."""
        self.failed = False
        self.restarts = 0
        self.streak = 0
        """Crashes in a row without progress."""
        self.attempt = 0
        """Restarts in a row that the backoff counts."""
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._verdict: Outcome | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._up_since: float | None = None
        self._handled_before = 0

    def start(self, delay: float = 0.0) -> None:
        """Begin a run in `delay` seconds; those started together are entered in the order of the calls."""
        loop = asyncio.get_running_loop()
        self.ended = loop.create_future()
        self._verdict = self._up_since = None
        self._timer = loop.call_later(delay, self._begin) if delay else None
        if not delay:
            self._begin()

    def revive(self) -> None:
        """Give it a new mailbox after it was given up; what the old one still held is lost."""
        self.mailbox = Mailbox(self._bus, self._subscribe(self._bus), owner=self.name)
        self.failed = False

    def cancel(self, verdict: Outcome) -> None:
        """Ask the present run to end, with `verdict` as what becomes of it; a planned one does not begin."""
        if self._verdict is not None or self.ended is None or self.ended.done():
            return
        self._verdict = verdict
        if self._task is not None:
            self._task.cancel()
        else:
            self._stop_timer()
            self.ended.set_result(verdict)

    def leave(self) -> asyncio.Task[None] | None:
        """Let go of a run that does not end; returns its task, which somebody must keep."""
        self._stop_timer()
        task, self._task = self._task, None
        return task

    def progressed(self, steady: float) -> bool:
        """True when the run that just ended handled an event, or had been up for `steady` seconds."""
        if self.mailbox.handled > self._handled_before:
            return True
        return self._up_since is not None and asyncio.get_running_loop().time() - self._up_since >= steady

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self.mailbox.subscription.forgive()  # nobody could read while it was down
        self._handled_before = self.mailbox.handled
        self._task = loop.create_task(self._run(), name=self.name)
        self._task.add_done_callback(self._over)
        self._timer = loop.call_later(self.child.start_within, self._hangs)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            ctx = _UpContext(
                self.name,
                bus=self._bus,
                inbox=self.mailbox,
                clock=self._clock,
                ids=self._ids,
                session=self._session,
                tasks=tasks,
            )
            ctx.up = self._up
            ctx.emit(ServiceStarting, service=self.name)
            await ctx.serve(self.child.build())

    def _subscribe(self, bus: Bus) -> Subscription[Event]:
        kinds = self.child.service.consumes
        subscription: Subscription[Event] = bus.subscribe(
            *kinds, name=self.name, capacity=self.child.capacity, overflowed=self._overflowed
        )
        if not kinds:
            subscription.close()
        return subscription

    def _up(self) -> None:
        self._stop_timer()
        if self._up_since is None:
            self._up_since = asyncio.get_running_loop().time()

    def _over(self, task: asyncio.Task[None]) -> None:
        outcome = _outcome(task, self._verdict)  # looks at the task's exception even when nobody wants to know it
        if task is not self._task:
            return
        self._stop_timer()
        self._task = None
        assert self.ended is not None
        if not self.ended.done():
            self.ended.set_result(outcome)

    def _overflowed(self, subscription: Subscription[Event]) -> None:
        if self._task is None or self._verdict is not None:
            return
        self._stop_timer()
        self.mailbox.blame()
        error = SlowReader(
            f"{self.name} did not read its mailbox for so long that {subscription.queued} events waited.",
            remedy="Its slow work belongs into a task (ctx.turn) or a thread of its engine.",
        )
        self.cancel(Outcome("crashed", error))
        self._timer = asyncio.get_running_loop().call_later(_GRACE, self._abandon, error)

    def _hangs(self) -> None:
        error = TimeoutError(f"it did not say that it was ready within {self.child.start_within:g} s")
        self.cancel(Outcome("hung", error))
        self._timer = asyncio.get_running_loop().call_later(_GRACE, self._abandon, error)

    def _abandon(self, error: Exception) -> None:
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(Outcome("hung", error))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _outcome(task: asyncio.Task[None], verdict: Outcome | None) -> Outcome:
    error = None if task.cancelled() else task.exception()
    if verdict is not None:
        return verdict if verdict.error is not None else Outcome(verdict.how, error)
    if task.cancelled():
        return Outcome("crashed", asyncio.CancelledError("it was cancelled from inside"))
    return Outcome("finished") if error is None else Outcome("crashed", error)
