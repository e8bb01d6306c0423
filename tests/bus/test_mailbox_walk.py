"""Whatever crashes when, and however often: a mailbox loses no fact and keeps the order."""

from __future__ import annotations

import asyncio
import contextlib
import random

from bus import Mailbox
from shared.events import Event, LlmDelta, TextEntered


def take(mailbox: Mailbox) -> Event | None:
    """The next event; None when there is none (the read that waits is then cancelled)."""
    read = mailbox.__anext__()
    try:
        read.send(None)
    except StopIteration as taken:
        return taken.value
    with contextlib.suppress(asyncio.CancelledError):
        read.throw(asyncio.CancelledError())
    return None


class Walk:
    """A service that works, starts tasks and crashes by the roll of a die, and a book of what became of each event."""

    def __init__(self, bus, make, seed: int) -> None:
        self.bus, self.make, self.rng = bus, make, random.Random(seed)
        self.mailbox = Mailbox(bus, bus.subscribe(TextEntered, LlmDelta, capacity=100_000), tries=3)
        self.handler: Event | None = None
        self.tasks: list[Event] = []
        self.facts: list[str] = []
        self.seen: list[str] = []
        self.since_crash: list[str] = []
        self.again: set[str] = set()
        self.done: set[str] = set()
        self.dead: set[str] = set()

    def publish(self) -> None:
        turn = self.bus.fenced_turn("s") + self.rng.randrange(2)
        event = self.make.work(turn=turn) if self.rng.random() < 0.3 else self.make.fact(turn=turn)
        if isinstance(event, TextEntered):
            self.facts.append(event.id)
        self.bus.publish(event)

    def next(self) -> bool:
        """End the handler and take the next event: those in hand at the crash first, all in the published order."""
        ended, self.handler = self.handler, None
        self._ended(ended)
        event = take(self.mailbox)
        if event is None:
            return False
        assert not self.bus.is_stale(event)
        assert event.id in self.again or event.id not in self.seen, "delivered twice without a crash"
        assert not self.since_crash or event.id > self.since_crash[-1], "out of order"
        assert event.id not in self.dead | self.done
        self.handler = event
        self.seen.append(event.id)
        self.since_crash.append(event.id)
        self.again.discard(event.id)
        return True

    def start(self) -> None:
        """The handler starts a task."""
        if self.handler is not None:
            self.mailbox.hold(self.handler)
            self.tasks.append(self.handler)

    def end(self) -> None:
        """A task ends."""
        if self.tasks:
            event = self.tasks.pop(self.rng.randrange(len(self.tasks)))
            self.mailbox.release(event)
            self._ended(event)

    def crash(self) -> None:
        """A task raises, or the handler does, or something that works on no event."""
        at_work = [*self.tasks, *([self.handler] if self.handler else [])]
        guilty = self.rng.choice(at_work) if at_work and self.rng.random() < 0.8 else None
        if guilty is not None:
            self.mailbox.blame(guilty)
        blamed, dead, crashes = self.mailbox.crashed()
        assert blamed is guilty
        assert (dead is not None) == (crashes == 3)
        self.again |= {event.id for event in at_work}
        if dead is not None:
            self.dead.add(dead.id)
            self.again.discard(dead.id)
        self.handler, self.tasks, self.since_crash = None, [], []

    def fence(self) -> None:
        self.bus.fence("s", self.bus.fenced_turn("s") + 1)

    def _ended(self, event: Event | None) -> None:
        if event is not None and event is not self.handler and all(event is not task for task in self.tasks):
            self.done.add(event.id)


async def test_whatever_crashes_no_fact_is_lost_and_the_order_holds(bus, make):
    walk = Walk(bus, make, seed=2)
    actions = [walk.publish, walk.next, walk.start, walk.end, walk.crash, walk.fence]
    for _ in range(20_000):
        walk.rng.choices(actions, weights=(30, 30, 15, 17, 6, 2))[0]()
    while walk.next() or walk.tasks:
        while walk.tasks:
            walk.end()
    assert walk.mailbox.in_hand == 0
    assert set(walk.facts) <= walk.done | walk.dead
    assert not walk.done & walk.dead
    assert len(walk.dead) > 5, "the walk should meet some that are given up"
