"""The supervisor: one tree of services, started in order, restarted by OTP's rules, stopped in reverse in time.

All mailboxes exist before the first service runs, so no event between services is lost and no request fails because
its service is not up yet. For that reason a start does not wait for readiness: services are entered in order, at once,
and a slow one delays nobody. Mailboxes outlive crashes; a service that crashes too often without progress is failed,
its mailbox closed (requests to it fail at once), and the rest of the tree goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from bus import Bus, Overflow, Subscription
from services.supervisor.backoff import Backoff
from services.supervisor.child import Child
from services.supervisor.life import Life, Outcome
from shared.clock import Clock
from shared.errors import SottoError
from shared.events import (
    Event,
    EventDead,
    ServiceCrash,
    ServiceCrashed,
    ServiceFailed,
    ServiceRestart,
    ServiceRestarted,
    ServiceStopped,
    Stamp,
    current,
    encode,
)
from shared.logs import get_logger

__all__ = ["Strategy", "Supervisor"]

E = TypeVar("E", bound=Event)

Strategy = Literal["one_for_one", "rest_for_one", "one_for_all"]
"""What a crash restarts: the service alone, it and those after it, or all."""

Order = ServiceRestart | ServiceCrash

_log = get_logger("supervisor")


class ToldToCrash(SottoError):
    """A person asked for it (`service.crash`)."""


class Supervisor:
    """See the module. `stop_within` is the deadline of the whole stop, in seconds.

    A service that does not end in its share of that time is named in `hung`, left behind, and its task kept there.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        ids: Callable[[], str],
        session: str,
        children: Sequence[Child],
        *,
        strategy: Strategy = "one_for_one",
        backoff: Backoff | None = None,
        stop_within: float = 0.8,
    ) -> None:
        names = [child.label for child in children]
        if len(set(names)) < len(names):
            raise ValueError(f"two children have one name: {names}")
        self.hung: dict[str, asyncio.Task[None]] = {}
        """Runs that did not end when they were told to, by name."""
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._session = session
        self.children = tuple(children)
        """What it runs, in order."""
        self._strategy = strategy
        self._backoff = backoff or Backoff()
        self._stop_within = stop_within
        self._stamp = Stamp("supervisor", clock, ids)
        self._lives: tuple[Life, ...] = ()
        self._leaving = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._orders: Subscription[Order] | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        """The services that were given up; the tree works without them."""
        return tuple(life.name for life in self._lives if life.failed)

    async def run(self, stop: asyncio.Event) -> None:
        """Supervise until `stop` is set or nothing is left to run; a cancellation stops the tree in order as well.

        As a context manager (`async with supervisor:`) the tree runs until the block ends. Either way: once.
        Meanwhile it obeys `service.restart` and `service.crash`.
        """
        if not self._lives:
            self._open()
        assert self._orders is not None
        stopping = asyncio.create_task(stop.wait(), name="supervisor:stop")
        ordered = asyncio.create_task(self._next_order(self._orders), name="supervisor:order")
        try:
            while not stopping.done() and any(life.ended is not None for life in self._lives):
                await self._step(stopping, ordered)
                if ordered.done() and not stopping.done():
                    await self._obey(ordered.result())
                    ordered = asyncio.create_task(self._next_order(self._orders), name="supervisor:order")
        finally:
            stopping.cancel()
            ordered.cancel()
            self._orders.close()
            await self._stop_all(self._lives)
            for life in self._lives:
                life.mailbox.close()

    async def __aenter__(self) -> Supervisor:
        self._open()
        self._serving = asyncio.create_task(self.run(self._leaving), name="supervisor")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        if self._serving is not None:
            await self._serving

    def _open(self) -> None:
        lives = [Life(child, self._bus, self._clock, self._ids, self._session) for child in self.children]
        self._lives = tuple(lives)
        self._orders = self._bus.subscribe(
            ServiceRestart, ServiceCrash, name="supervisor", capacity=64, overflow=Overflow.DROP_OLDEST
        )
        for life in lives:
            life.start()

    # ---- something ended

    async def _step(self, stopping: asyncio.Task[Any], ordered: asyncio.Task[Any]) -> None:
        ends = [life.ended for life in self._lives if life.ended is not None]
        await asyncio.wait([stopping, ordered, *ends], return_when=asyncio.FIRST_COMPLETED)
        for life in self._lives:
            if not stopping.done() and life.ended is not None and life.ended.done():
                await self._ended(life, life.ended.result())

    async def _ended(self, life: Life, outcome: Outcome) -> None:
        life.ended = None
        if outcome.how == "hung":
            self._give_up(life, outcome)
            return
        self._tally(life)
        if outcome.how == "finished":
            self._say(ServiceStopped, life)
            _log.info("service finished", service=life.name)
        else:
            self._report_crash(life, outcome)
        if life.child.restart == "temporary" or (life.child.restart == "transient" and outcome.how == "finished"):
            life.mailbox.close()
            return
        if life.streak > self._backoff.limit:
            self._fail(life, outcome)
        await self._restart(life)

    def _tally(self, life: Life) -> None:
        if life.progressed(self._backoff.steady):
            life.streak = life.attempt = 0
        life.streak += 1
        life.attempt += 1

    # ---- orders

    async def _next_order(self, orders: Subscription[Order]) -> Order:
        return await anext(orders)

    async def _obey(self, order: Order) -> None:
        for life in self._lives:
            if life.name != order.service:
                continue
            _log.info("told to", order=order.kind, service=life.name)
            if isinstance(order, ServiceCrash):
                life.cancel(Outcome("crashed", ToldToCrash("it was told to crash")))
            else:
                await self._run_again(life)

    async def _run_again(self, life: Life) -> None:
        """Stop the service if it runs, and start it as if it had never crashed."""
        was_running = life.ended is not None
        if was_running:
            await self._stop_all([life])
        if life.name in self.hung and not self.hung[life.name].done():
            _log.error("it does not end, so it cannot be run again", service=life.name)
            return
        if life.failed or not was_running:
            life.revive()
        life.streak = life.attempt = 0
        await self._restart(life)

    # ---- crashes

    def _report_crash(self, life: Life, outcome: Outcome) -> None:
        blamed, dead, crashes = life.mailbox.crashed()
        self._say(ServiceCrashed, life, error=outcome.reason, handling=blamed.id if blamed is not None else None)
        _log.error("service crashed", service=life.name, error=outcome.reason, at=outcome.where)
        if dead is not None:
            life.attempt = 0
            self._bury(life, dead, crashes, outcome.reason)

    def _bury(self, life: Life, dead: Event, crashes: int, error: str) -> None:
        header = encode(dead)[0].decode()
        token = current.set(dead)
        try:
            self._say(EventDead, life, event=dead.id, event_kind=dead.kind, header=header, crashes=crashes, error=error)
        finally:
            current.reset(token)
        _log.error("event given up", service=life.name, kind=dead.kind, id=dead.id, crashes=crashes)

    async def _restart(self, crashed: Life) -> None:
        """Plan the next start of the service and of those that its end takes along, once these have stopped."""
        along = [life for life in self._along(crashed) if life.ended is not None]
        await self._stop_all(along)
        delay = self._backoff.delay(crashed.attempt)
        for life in self._lives:
            if life.failed or not (life is crashed or life in along):
                continue
            if life is not crashed and life.child.restart == "temporary":
                life.mailbox.close()
                continue
            life.restarts += 1
            self._say(ServiceRestarted, life, restarts=life.restarts, delay_ns=round(delay * 1e9))
            life.start(delay)

    def _along(self, crashed: Life) -> Sequence[Life]:
        if self._strategy == "one_for_one":
            return ()
        first = 0 if self._strategy == "one_for_all" else self._lives.index(crashed) + 1
        return [life for life in self._lives[first:] if life is not crashed]

    def _fail(self, life: Life, outcome: Outcome) -> None:
        life.failed = True
        life.mailbox.close()
        self._say(ServiceFailed, life, error=outcome.reason, restarts=life.restarts)
        unread = life.mailbox.subscription.queued + life.mailbox.in_hand
        _log.error("service failed", service=life.name, error=outcome.reason, restarts=life.restarts, unread=unread)

    # ---- stopping

    async def _stop_all(self, lives: Sequence[Life]) -> None:
        """Stop these in reverse order, each within its share of the deadline; what it leaves others may use."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_within
        running = [life for life in reversed(lives) if life.ended is not None]
        for place, life in enumerate(running):
            await self._stop(life, (deadline - loop.time()) / (len(running) - place))
        for life in running:
            if life.ended is not None:
                await self._stop(life, deadline - loop.time())
            if life.ended is not None:
                life.ended = None
                self._give_up(life, Outcome("hung", TimeoutError("it did not end when it was told to stop")))

    async def _stop(self, life: Life, share: float) -> None:
        assert life.ended is not None
        life.cancel(Outcome("stopped"))
        await asyncio.wait([life.ended], timeout=max(0.0, share))
        if not life.ended.done():
            return
        outcome, life.ended = life.ended.result(), None
        if outcome.how == "hung":
            self._give_up(life, outcome)
        elif outcome.error is None:
            life.mailbox.crashed()
            self._say(ServiceStopped, life)
        else:
            self._report_crash(life, outcome)

    def _give_up(self, life: Life, outcome: Outcome) -> None:
        task = life.leave()
        if task is not None:
            self.hung[life.name] = task
        self._fail(life, outcome)

    def _say(self, kind: type[E], life: Life, **fields: Any) -> None:
        self._bus.publish(self._stamp(kind, service=life.name, **fields))
