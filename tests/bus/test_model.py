"""The bus against a model so simple that it is plainly right, over random walks.

The model is a list for each queue. Readers are coroutines that the walk itself resumes and cancels, so that it explores
every interleaving of publishing, reading, fencing, cancelling, joining and leaving.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bus import Bus, Overflow, ReplayGap, SlowReader, Subscription, latest
from shared.clock import ManualClock
from shared.events import AudioCaptured, Event, LlmDelta, ServiceReady, Stamp, TextEntered
from shared.ids import id_source

KINDS: tuple[type[Event], ...] = (TextEntered, LlmDelta, AudioCaptured, ServiceReady)
ASKED: tuple[tuple[type[Event], ...], ...] = (
    KINDS,
    (LlmDelta,),
    (TextEntered, LlmDelta),
    (AudioCaptured, TextEntered),
)
SESSIONS = ("a", "b")
RING, PAYLOAD_RING = 64, 8
POLICIES = tuple(Overflow)


@dataclass(eq=False)
class Queue:
    """What a backlog must hold, kept by hand."""

    kinds: tuple[type[Event], ...]
    session: str | None
    capacity: int
    policy: Overflow
    waiting: list[Event] = field(default_factory=list)
    offered: int = 0
    delivered: int = 0
    dropped: int = 0
    stale: int = 0
    high_water: int = 0
    failed: bool = False
    last: str = ""

    def offer(self, event: Event) -> None:
        if not isinstance(event, self.kinds) or self.session not in (None, event.session):
            return
        self.offered += 1
        if self.policy is Overflow.LATEST:
            kept = [old for old in self.waiting if old.turn != event.turn]
            self.dropped += len(self.waiting) - len(kept)
            self.waiting = kept
        if len(self.waiting) == self.capacity:
            self.dropped += 1
            if self.policy is Overflow.FAIL:
                self.failed = True
                return
            self.waiting.pop(0)
        self.waiting.append(event)
        self.high_water = max(self.high_water, len(self.waiting))


@dataclass(eq=False)
class Member:
    """A subscription, and the reads of it that are under way."""

    subscription: Subscription[Event]
    queue: Queue
    reads: list[tuple[Coroutine[Any, Any, Event], asyncio.Future[None]]] = field(default_factory=list)


class World:
    """A bus beside its model. Each method is one step, and checks what it can."""

    def __init__(self) -> None:
        self.bus = Bus(clock=ManualClock(), ids=id_source("bus-"), ring=RING, payload_ring=PAYLOAD_RING)
        self.stamp = Stamp("walk", ManualClock(), id_source(""), "")
        self.members: list[Member] = []
        self.fences: dict[str, int] = {}
        self.retained: Event | None = None
        self.groups = 0
        self.log: deque[Event] = deque(maxlen=2 * RING)

    def publish(self, kind: type[Event], session: str, turn: int) -> None:
        fields: dict[str, Any] = {}
        if kind is LlmDelta:
            fields = {"request": "r", "index": 0, "text": ""}
        elif kind is TextEntered:
            fields = {"text": "", "speak": False}
        elif kind is AudioCaptured:
            fields = {"first_sample": 0, "rate": 16_000, "pcm": b""}
        else:
            fields, session = {"service": "one"}, ""
        event = self.stamp(kind, session=session, turn=turn, **fields)
        if kind is ServiceReady:
            self.retained = event
        self.log.append(event)
        self.bus.publish(event)
        for queue in {id(m.queue): m.queue for m in self.members}.values():
            queue.offer(event)

    def subscribe(self, asked: int, session: str | None, capacity: int, policy: Overflow) -> None:
        overflow = latest(lambda e: e.turn) if policy is Overflow.LATEST else policy
        self.groups += 1
        queue = Queue(ASKED[asked], session, capacity, policy)
        subscription: Subscription[Event] = self.bus.subscribe(
            *ASKED[asked], session=session, capacity=capacity, overflow=overflow, group=str(self.groups)
        )
        if self.retained is not None:
            queue.offer(self.retained)
        self.members.append(Member(subscription, queue))

    def join(self, index: int) -> None:
        """Another worker for the same queue."""
        other = self.members[index % len(self.members)]
        queue = other.queue
        group = other.subscription.name
        joined = self.bus.subscribe(*queue.kinds, session=queue.session, group=group)
        self.members.append(Member(joined, queue))

    def close(self, index: int) -> None:
        """A closed member ends at once where others go on, else once the queue is empty; nothing waits for ever."""
        member = self.members.pop(index % len(self.members))
        member.subscription.close()
        member.subscription.close()
        others = any(m.queue is member.queue for m in self.members)
        for read, future in member.reads:
            assert future.done()
            self._ends(member, read, alone=not others)
        if not others:
            while member.queue.waiting or member.queue.failed:
                self._ends(member, anext(member.subscription), alone=True)
        self._ends(member, anext(member.subscription), alone=not others)

    def read(self, index: int) -> None:
        member = self.members[index % len(self.members)]
        if len(member.reads) < 3:
            self._step(member, anext(member.subscription))

    def resume(self, index: int) -> None:
        """Let one reader that was woken go on."""
        woken = [(m, r) for m in self.members for r in m.reads if r[1].done()]
        if woken:
            member, read = woken[index % len(woken)]
            member.reads.remove(read)
            self._step(member, read[0])

    def cancel(self, index: int) -> None:
        """Cancelling a pending read loses nothing, woken or not."""
        pending = [(m, r) for m in self.members for r in m.reads]
        if pending:
            member, read = pending[index % len(pending)]
            member.reads.remove(read)
            read[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                read[0].throw(asyncio.CancelledError())

    def fence(self, session: str, turn: int) -> None:
        self.bus.fence(session, turn)
        self.fences[session] = max(turn, self.fences.get(session, 0))
        assert self.bus.fenced_turn(session) == self.fences[session]

    def replay(self, back: int, asked: int) -> None:
        """Replay gives exactly what came after, or says that it cannot; it can while little came after."""
        since = self.log[-1 - back % len(self.log)]
        after = [event for event in self.log if event.id > since.id]
        sounds = sum(isinstance(event, AudioCaptured) for event in after)
        try:
            replayed = list(self.bus.replay(since.id, *ASKED[asked]))
        except ReplayGap:
            assert sounds >= PAYLOAD_RING - 1 or len(after) - sounds >= RING - 1
        else:
            assert replayed == [event for event in after if isinstance(event, ASKED[asked])]

    def check(self) -> None:
        """Every ledger adds up and is the model's; no reader sleeps while its queue holds something."""
        for member in self.members:
            ledger, queue = member.subscription.ledger(), member.queue
            assert ledger.offered == ledger.delivered + ledger.dropped + ledger.stale + ledger.queued
            assert (ledger.offered, ledger.delivered, ledger.dropped, ledger.stale, ledger.queued) == (
                queue.offered,
                queue.delivered,
                queue.dropped,
                queue.stale,
                len(queue.waiting),
            )
            assert ledger.queued <= ledger.high_water == queue.high_water <= queue.capacity
            if queue.waiting and member.reads and not all(future.done() for _, future in member.reads):
                colleagues = [f for m in self.members if m.queue is queue for _, f in m.reads]
                assert sum(f.done() for f in colleagues) >= 1, "a lost wake-up"

    def _step(self, member: Member, read: Any) -> None:
        queue = member.queue
        failed, queue.failed = queue.failed, False
        try:
            future = read.send(None)
        except SlowReader:
            assert failed
            return
        except StopIteration as done:
            assert not failed
            self._delivered(queue, done.value)
            return
        assert self._next(queue) is None
        member.reads.append((read, future))

    def _ends(self, member: Member, read: Any, *, alone: bool) -> None:
        failed = member.queue.failed
        try:
            read.send(None)
        except SlowReader:
            assert failed
            member.queue.failed = False
        except StopAsyncIteration:
            assert not alone or self._next(member.queue) is None
        except StopIteration as done:
            assert alone
            self._delivered(member.queue, done.value)
        else:
            raise AssertionError("a read of a closed subscription waits")

    def _delivered(self, queue: Queue, event: Event) -> None:
        assert event is self._next(queue)
        assert event.id > queue.last, "out of the published order"
        assert not (event.fenced and 0 < event.turn < self.fences.get(event.session, 0))
        queue.last = event.id
        queue.delivered += 1

    def _next(self, queue: Queue) -> Event | None:
        while queue.waiting:
            event = queue.waiting.pop(0)
            if not (isinstance(event, LlmDelta) and 0 < event.turn < self.fences.get(event.session, 0)):
                return event
            queue.stale += 1
        return None


def one_step(world: World, rng: random.Random) -> None:
    """Mostly publish and read; now and then fence, cancel, join, leave."""
    die, some = rng.random(), rng.randrange
    if die < 0.40:
        newest = max(world.fences.values(), default=0)
        world.publish(KINDS[some(4)], SESSIONS[some(2)], some(max(1, newest - 1), newest + 4) if some(4) else 0)
    elif die < 0.68:
        world.read(some(1000))
    elif die < 0.86:
        world.resume(some(1000))
    elif die < 0.91:
        world.cancel(some(1000))
    elif die < 0.95:
        session = SESSIONS[some(2)]
        world.fence(session, world.fences.get(session, 0) + some(-1, 3))
    elif die < 0.97 and len(world.members) < 8:
        world.subscribe(some(4), (None, *SESSIONS)[some(3)], some(1, 6), POLICIES[some(3)])
    elif die < 0.985 and len(world.members) < 8:
        world.join(some(1000))
    elif die < 0.99 and len(world.members) > 2:
        world.close(some(1000))
    elif world.log:
        world.replay(some(1000), some(4))


@pytest.mark.timeout(1200)
async def test_the_bus_does_what_the_model_does(steps: int) -> None:
    """Ledgers, order, fences, wake-ups and bounds hold at every step of a long walk."""
    rng = random.Random(1)
    world = World()
    for policy in POLICIES:
        world.subscribe(0, None, 4, policy)
    for _ in range(steps):
        one_step(world, rng)
        world.check()
    for member in tuple(world.members):
        for read, _ in member.reads:
            read.close()


class BusMachine(RuleBasedStateMachine):
    """The same steps as hypothesis chooses them, so that a failure is told as its shortest story."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = self.on_loop(World)

    def on_loop(self, call: Any, *args: Any) -> Any:
        async def run() -> Any:
            return call(*args)

        return self.loop.run_until_complete(run())

    def teardown(self) -> None:
        for member in self.world.members:
            for read, _ in member.reads:
                read.close()
        self.loop.close()

    some = st.integers(0, 50)
    turns = st.integers(0, 6)

    @rule(
        asked=st.integers(0, 3),
        session=st.sampled_from((None, *SESSIONS)),
        capacity=st.integers(1, 3),
        policy=st.sampled_from(POLICIES),
    )
    def subscribe(self, asked: int, session: str | None, capacity: int, policy: Overflow) -> None:
        self.on_loop(self.world.subscribe, asked, session, capacity, policy)

    @rule(kind=st.sampled_from(KINDS), session=st.sampled_from(SESSIONS), turn=turns)
    def publish(self, kind: type[Event], session: str, turn: int) -> None:
        self.on_loop(self.world.publish, kind, session, turn)

    @precondition(lambda self: self.world.members)
    @rule(index=some)
    def join(self, index: int) -> None:
        self.on_loop(self.world.join, index)

    @precondition(lambda self: self.world.members)
    @rule(index=some)
    def close(self, index: int) -> None:
        self.on_loop(self.world.close, index)

    @precondition(lambda self: self.world.members)
    @rule(index=some)
    def read(self, index: int) -> None:
        self.on_loop(self.world.read, index)

    @rule(index=some)
    def resume(self, index: int) -> None:
        self.on_loop(self.world.resume, index)

    @rule(index=some)
    def cancel(self, index: int) -> None:
        self.on_loop(self.world.cancel, index)

    @rule(session=st.sampled_from(SESSIONS), turn=turns)
    def fence(self, session: str, turn: int) -> None:
        if turn:
            self.on_loop(self.world.fence, session, turn)

    @invariant()
    def holds(self) -> None:
        self.world.check()


BusMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
test_the_model_holds_however_the_steps_are_chosen = BusMachine.TestCase
