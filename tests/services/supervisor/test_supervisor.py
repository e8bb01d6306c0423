"""OTP's rules: who is started, restarted, given up and stopped, when, and what is said about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import ClassVar

import pytest

from services.contract import Context, Service
from services.supervisor import Backoff, Child
from shared.events import (
    Event,
    EventDead,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    ServiceRestarted,
    ServiceStopped,
    SttFinish,
    TextEntered,
)

pytestmark = pytest.mark.looptime

Work = Callable[[Context], Awaitable[None]]


def service(named: str, work: Work, *kinds: type[Event]) -> type[Service]:
    """A service class that does `work`."""

    class Made:
        name: ClassVar[str] = named
        consumes: ClassVar[tuple[type[Event], ...]] = kinds

        async def run(self, ctx: Context) -> None:
            await work(ctx)

    return Made


async def idle(ctx: Context) -> None:
    ctx.ready()
    await asyncio.Event().wait()


@pytest.fixture
async def deaf() -> AsyncIterator[Work]:
    """Says that it is ready and swallows its cancellation until the test is over."""
    over = asyncio.Event()
    deaf_tasks: list[asyncio.Task[None]] = []

    async def hears_nothing(ctx: Context) -> None:
        deaf_tasks.append(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        ctx.ready()
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    yield hears_nothing
    over.set()
    await asyncio.wait(deaf_tasks)


async def crash_on_bad(ctx: Context) -> None:
    ctx.ready()
    async for event in ctx.inbox:
        if isinstance(event, TextEntered) and event.text == "bad":
            raise ValueError("a bad text")


def crash_times(count: int) -> Work:
    """Crashes at its first `count` starts, then is idle."""
    left = [count]

    async def work(ctx: Context) -> None:
        if left[0]:
            left[0] -= 1
            raise ValueError("not yet")
        await idle(ctx)

    return work


async def test_services_are_entered_in_order_and_stopped_in_reverse(plant):
    """A start does not wait for readiness; the stop of one is over before that of the next begins."""
    async with plant(Child(service("a", idle)), Child(service("b", idle)), Child(service("c", idle))) as tree:
        await tree.until(ServiceReady, service="c")
    assert tree.service_events() == [
        *(("a", "starting"), ("a", "ready"), ("b", "starting"), ("b", "ready"), ("c", "starting"), ("c", "ready")),
        *(("c", "stopped"), ("b", "stopped"), ("a", "stopped")),
    ]


async def test_a_slow_start_delays_nobody(plant):
    """The second service is ready while the first still loads."""

    async def loads(ctx: Context) -> None:
        await asyncio.sleep(30)
        await idle(ctx)

    async with plant(Child(service("slow", loads)), Child(service("quick", idle))) as tree:
        await tree.until(ServiceReady, service="quick")
        assert asyncio.get_running_loop().time() == 0
        await tree.until(ServiceReady, service="slow")


async def test_an_event_of_an_early_service_reaches_a_later_one(plant):
    """All mailboxes exist before the first service runs."""
    got: list[str] = []

    async def speaks(ctx: Context) -> None:
        ctx.emit(TextEntered, text="first words", speak=False)
        await idle(ctx)

    async def listens(ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, TextEntered)
            got.append(event.text)
            ctx.degraded("heard enough")

    children = Child(service("speaks", speaks)), Child(service("listens", listens, TextEntered))
    async with plant(*children) as tree:
        await tree.until(ServiceReady, service="listens")
        await tree.bus.drain(1)
    assert got == ["first words"]


@pytest.mark.parametrize(
    ("restart", "crashes", "starts"),
    [
        ("permanent", True, 2),
        ("permanent", False, 2),
        ("transient", True, 2),
        ("transient", False, 1),
        ("temporary", True, 1),
        ("temporary", False, 1),
    ],
)
async def test_what_ends_is_run_again_as_its_specification_says(plant, restart, crashes, starts):
    """Permanent: always; transient: after a crash; temporary: never. A tree with nothing left to run ends."""
    count = 0

    async def ends_once(ctx: Context) -> None:
        nonlocal count
        count += 1
        if count > 1:
            await idle(ctx)
        if crashes:
            raise ValueError("once")

    async with plant(Child(service("one", ends_once), restart=restart)) as tree:
        if starts == 2:
            await tree.until(ServiceReady, service="one")
        else:
            await tree.supervisor._serving
    assert count == starts
    assert ("one", "crashed" if crashes else "stopped") in tree.service_events()


@pytest.mark.parametrize(
    ("strategy", "restarted"),
    [("one_for_one", ["b"]), ("rest_for_one", ["b", "c"]), ("one_for_all", ["a", "b", "c"])],
)
async def test_a_crash_restarts_those_that_the_strategy_names(plant, strategy, restarted):
    """One alone, it and those after it, or all; in the order of the tree, after the others stopped in reverse."""
    children = [
        Child(service("a", idle)),
        Child(service("b", crash_on_bad, TextEntered)),
        Child(service("c", idle)),
    ]
    async with plant(*children, strategy=strategy) as tree:
        await tree.until(ServiceReady, service="c")
        before = len(tree.service_events())
        tree.say("bad")
        await tree.until(EventDead)
        await tree.until(ServiceReady, service=restarted[-1])
        events = tree.service_events()[before:]
    first_round = events[: events.index((restarted[-1], "ready")) + 1]
    stopped = [name for name, what in first_round if what == "stopped"]
    assert stopped == [name for name in reversed(restarted) if name != "b"]
    assert [name for name, what in first_round if what == "starting"] == restarted
    assert {name for name, what in events if what == "restarted"} == set(restarted)


async def test_a_temporary_sibling_is_stopped_with_the_others_and_not_run_again(plant):
    """As in OTP: a strategy stops a temporary service, and nothing restarts one."""
    children = [Child(service("b", crash_times(1))), Child(service("t", idle), restart="temporary")]
    async with plant(*children, strategy="one_for_all") as tree:
        await tree.until(ServiceReady, service="b")
    assert [what for name, what in tree.service_events() if name == "t"] == ["starting", "ready", "stopped"]


async def test_restarts_come_at_once_and_then_ever_later_up_to_a_cap(plant):
    """0, then base x factor^n up to the cap, less a random share; crashes without progress beyond the limit fail."""
    backoff = Backoff(base=0.1, factor=2, cap=1.0, jitter=0.5, limit=7, dice=lambda: 0.0)
    async with plant(Child(service("broken", crash_times(100))), Child(service("well", idle)), backoff=backoff) as tree:
        failed = await tree.until(ServiceFailed)
        assert (failed.service, failed.restarts) == ("broken", 7)
        assert failed.error == "ValueError: not yet"
        assert tree.supervisor.failed == ("broken",)
        assert asyncio.get_running_loop().time() == pytest.approx(0 + 0.1 + 0.2 + 0.4 + 0.8 + 1.0 + 1.0)
        delays = [event.delay_ns / 1e9 for event in tree.bus.replay(None, ServiceRestarted)]
        assert delays == pytest.approx([0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_jitter_takes_away_at_most_its_share():
    """With dice between 0 and 1 a delay lies between half and all of the whole one."""
    assert Backoff(base=1, jitter=0.5, dice=lambda: 0.0).delay(2) == 1.0
    assert Backoff(base=1, jitter=0.5, dice=lambda: 0.999999).delay(2) == pytest.approx(0.5, rel=1e-5)
    assert Backoff().delay(10_000) <= Backoff().cap


async def test_a_failed_service_leaves_the_others_running_and_takes_no_more_requests(plant):
    """The tree is degraded but alive, and asking the failed service fails at once."""
    from bus import NoMailbox

    broken = Child(service("broken", crash_times(100), SttFinish))
    async with plant(broken, Child(service("well", idle)), backoff=Backoff(limit=2)) as tree:
        await tree.until(ServiceFailed, service="broken")
        with pytest.raises(NoMailbox):
            await tree.bus.request(tree.stamp(SttFinish, utterance="u1", until_sample=0), timeout=5)
    assert ("well", "stopped") in tree.service_events()
    assert ("well", "crashed") not in tree.service_events()


async def test_a_service_that_gets_something_done_between_crashes_is_never_failed(plant):
    """Crashes count against the limit only while no event is handled between them."""
    once: set[str] = set()

    async def crashes_once_on_each(ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            if event.id not in once:
                once.add(event.id)
                raise ValueError("at first sight")

    service_class = service("shy", crashes_once_on_each, TextEntered)
    async with plant(Child(service_class), backoff=Backoff(limit=2, jitter=0)) as tree:
        for number in range(50):
            tree.say(str(number))
        await tree.bus.drain(60)
        assert tree.supervisor.failed == ()
        assert asyncio.get_running_loop().time() < 50 * 0.1 + 1


async def test_to_hear_of_its_own_crashes_is_no_progress(plant):
    """A service that watches the others, and so itself, is failed in the end like any that cannot run."""

    async def breaks(ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            if isinstance(event, ServiceReady):
                break
        ctx.inbox.finish()
        raise ValueError("no port is free")

    broken = Child(service("gateway", breaks, ServiceReady, ServiceCrashed, ServiceRestarted))
    async with plant(broken, backoff=Backoff(limit=3)) as tree:
        await tree.until(ServiceFailed, service="gateway")


async def test_being_ready_for_a_while_is_progress_too(plant):
    """A service without a mailbox that crashes once an hour is restarted at once each time, for ever."""

    async def crashes_hourly(ctx: Context) -> None:
        ctx.ready()
        await asyncio.sleep(3600)
        raise ValueError("the hour is over")

    async with plant(Child(service("hourly", crashes_hourly)), backoff=Backoff(limit=2)) as tree:
        for _ in range(10):
            await tree.until(ServiceCrashed)
            assert (await tree.until(ServiceRestarted)).delay_ns == 0


async def test_a_poisoned_event_is_given_up_after_five_tries_and_can_be_injected_again(plant):
    """What comes after it is handled; event.dead holds its header and names it as the cause."""
    from shared.events import REGISTRY, decode

    careful = Child(service("careful", crash_on_bad, TextEntered))
    async with plant(careful, backoff=Backoff(jitter=0)) as tree:
        poisoned = tree.say("bad", turn=3)
        tree.say("good")
        dead = await tree.until(EventDead)
        await tree.bus.drain(60)
    assert (dead.service, dead.event, dead.crashes) == ("careful", poisoned.id, 5)
    assert decode(REGISTRY, dead.header) == poisoned
    assert (dead.cause, dead.turn) == (poisoned.id, 3)
    assert dead.error == "ValueError: a bad text"
    assert [what for _, what in tree.service_events()].count("crashed") == 5
    delays = [event.delay_ns / 1e9 for event in tree.bus.replay(None, ServiceRestarted)]
    assert delays == pytest.approx([0, 0.1, 0.2, 0.4, 0])  # with the event its cause is gone


async def test_a_service_that_crashes_on_everything_is_failed(plant):
    """Giving events up is no progress, so a broken engine does not eat the whole mailbox."""

    async def hopeless(ctx: Context) -> None:
        ctx.ready()
        async for _ in ctx.inbox:
            raise ValueError("always")

    async with plant(Child(service("hopeless", hopeless, TextEntered))) as tree:
        for _ in range(10):
            tree.say("anything")
        await tree.until(ServiceFailed)
        assert len(list(tree.bus.replay(None, EventDead))) == 2


async def test_a_factory_that_raises_is_a_crash_of_the_start(plant):
    """A service is made anew at every start, and its constructor may fail."""
    made: list[int] = []

    def make() -> Service:
        made.append(1)
        if len(made) < 3:
            raise OSError("no such model")
        return service("late", idle)()

    async with plant(Child(service("late", idle), make)) as tree:
        await tree.until(ServiceReady)
    assert len(made) == 3
    assert [e.error for e in tree.bus.replay(None, ServiceCrashed)] == ["OSError: no such model"] * 2


async def test_a_service_that_hangs_at_start_is_named_and_given_up(plant):
    """It has `start_within` seconds to become ready."""

    async def hangs(ctx: Context) -> None:
        await asyncio.Event().wait()

    async with plant(Child(service("hangs", hangs), start_within=20), Child(service("well", idle))) as tree:
        failed = await tree.until(ServiceFailed)
        assert failed.service == "hangs"
        assert "20 s" in failed.error
        assert 20 <= asyncio.get_running_loop().time() <= 22
        assert tree.supervisor.hung == {}
    assert ("well", "stopped") in tree.service_events()


async def test_a_service_that_does_not_obey_at_start_is_named_and_left_behind(plant, deaf):
    """It is failed a moment after its time was over, though its task goes on."""

    async def never_ready(ctx: Context) -> None:
        ctx.ready = lambda: None  # type: ignore[method-assign]  # this one says nothing
        await deaf(ctx)

    well = Child(service("well", idle))
    async with plant(well, Child(service("deaf", never_ready), start_within=5)) as tree:
        await tree.until(ServiceFailed, service="deaf")
        assert 5 <= asyncio.get_running_loop().time() <= 7
        assert list(tree.supervisor.hung) == ["deaf"]
    assert tree.service_events()[-1] == ("well", "stopped")


async def test_a_service_that_does_not_obey_at_stop_is_named_and_left_behind(plant, deaf):
    """It costs its share of the deadline, and the others stop in order."""
    loop = asyncio.get_running_loop()
    async with plant(Child(service("well", idle)), Child(service("deaf", deaf))) as tree:
        await tree.until(ServiceReady, service="deaf")
        began = loop.time()
    assert loop.time() - began <= 0.81
    assert list(tree.supervisor.hung) == ["deaf"]
    assert tree.supervisor.failed == ("deaf",)
    assert ("well", "stopped") in tree.service_events()


async def test_one_that_hangs_at_stop_leaves_the_others_their_time(plant, deaf):
    """Each has a share of the deadline, so a service that takes a moment to end well still can."""
    ended_well = False

    async def takes_a_moment(ctx: Context) -> None:
        nonlocal ended_well
        try:
            await idle(ctx)
        finally:
            await asyncio.sleep(0.3)
            ended_well = True

    async with plant(Child(service("slow", takes_a_moment)), Child(service("deaf", deaf)), stop_within=0.8) as tree:
        await tree.until(ServiceReady, service="deaf")
    assert ended_well
    assert list(tree.supervisor.hung) == ["deaf"]


async def test_a_service_cancelled_from_inside_has_crashed(plant):
    """Only the supervisor's own cancellation is a stop."""
    first = [True]

    async def cancels_itself(ctx: Context) -> None:
        if first.pop() if first else False:
            raise asyncio.CancelledError
        await idle(ctx)

    async with plant(Child(service("odd", cancels_itself))) as tree:
        crashed = await tree.until(ServiceCrashed)
        assert "cancelled from inside" in crashed.error
        await tree.until(ServiceReady)


async def test_a_stuck_service_is_restarted_when_its_mailbox_overflows(plant):
    """Its mailbox is kept: what waited is handled by the next run, in order."""
    got: list[str] = []
    stuck = [True]

    async def sticks_once(ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, TextEntered)
            if stuck:
                stuck.clear()
                await asyncio.Event().wait()
            got.append(event.text)

    async with plant(Child(service("sticky", sticks_once, TextEntered), capacity=8)) as tree:
        await tree.until(ServiceReady)
        tree.say("0")
        await tree.bus.drain(1)
        for number in range(1, 10):
            tree.say(str(number))
        crashed = await tree.until(ServiceCrashed)
        assert crashed.error.startswith("SlowReader: sticky")
        await tree.until(ServiceReady)
        await tree.bus.drain(1)
    assert got == [str(number) for number in range(9)]  # the tenth found the mailbox full


async def test_a_mailbox_that_overflowed_while_its_service_was_down_is_no_crash_of_the_next_run(plant):
    """Nobody could have read it; what it holds is handled."""
    got: list[Event] = []
    first = [True]

    async def crashes_once(ctx: Context) -> None:
        if first:
            first.clear()
            raise ValueError("not yet")
        ctx.ready()
        got.extend([await anext(ctx.inbox), await anext(ctx.inbox)])
        await idle(ctx)

    child = Child(service("down", crashes_once, TextEntered), capacity=2)
    async with plant(child, strategy="one_for_all", backoff=Backoff(limit=5)) as tree:
        tree.supervisor._lives[0].attempt = 5  # the next restart is not at once
        await tree.until(ServiceRestarted)
        for _ in range(5):
            tree.say("hello")
        await tree.until(ServiceReady)
        await tree.bus.drain(1)
        assert len(list(tree.bus.replay(None, ServiceCrashed))) == 1
    assert len(got) == 2


async def test_a_service_that_was_stuck_before_it_was_ready_gets_its_whole_time_again(plant):
    """The clock of its first start does not run on into the next one."""
    stuck = [True]

    async def sticks_at_its_first_start(ctx: Context) -> None:
        if stuck:
            stuck.clear()
            await asyncio.Event().wait()
        await asyncio.sleep(20)
        await idle(ctx)

    sticky = Child(service("sticky", sticks_at_its_first_start, TextEntered), capacity=2, start_within=30)
    async with plant(sticky) as tree:
        await asyncio.sleep(15)
        for _ in range(3):
            tree.say("hello")
        await tree.until(ServiceReady)
        await asyncio.sleep(100)
        assert tree.supervisor.failed == ()
        assert tree.service_events()[-1] == ("sticky", "ready")


async def test_errors_of_two_siblings_at_once_are_both_told(plant):
    """With one_for_all, a second crash during the stop is reported, and both are run again."""

    async def crashes_after_a_second(ctx: Context) -> None:
        ctx.ready()
        await asyncio.sleep(1)
        raise ValueError(f"{ctx.name} fell")

    children = [Child(service(name, crashes_after_a_second)) for name in "ab"]
    async with plant(*children, strategy="one_for_all") as tree:
        await tree.until(ServiceRestarted, service="b")
        assert [e.error for e in tree.bus.replay(None, ServiceCrashed)] == ["ValueError: a fell", "ValueError: b fell"]


async def test_cancelling_the_supervisor_stops_the_tree_in_order(plant):
    """A supervisor may itself be the task of something that is cancelled."""
    async with plant(Child(service("a", idle)), Child(service("b", idle))) as tree:
        await tree.until(ServiceReady, service="b")
        serving = tree.supervisor._serving
        assert serving is not None
        serving.cancel()
        await asyncio.wait([serving])
        assert tree.service_events()[-2:] == [("b", "stopped"), ("a", "stopped")]
        tree.supervisor._serving = None


async def test_a_supervisor_is_a_service_of_another(plant):
    """Trees nest: a branch restarts its own services by its own strategy."""
    from services.supervisor import branch

    inner = [Child(service("x", crash_times(1))), Child(service("y", idle))]
    async with plant(Child(branch("inner", inner, strategy="one_for_all")), Child(service("z", idle))) as tree:
        await tree.until(ServiceReady, service="x")
        await tree.until(ServiceReady, service="y")
    events = tree.service_events()
    assert events.count(("y", "starting")) == 2
    assert events.count(("z", "starting")) == 1
    assert events[-4:] == [("z", "stopped"), ("y", "stopped"), ("x", "stopped"), ("inner", "stopped")]


def test_two_children_of_one_name_are_refused():
    """Names are what events and logs tell services apart by."""
    from bus import Bus
    from services.supervisor import Supervisor
    from shared.clock import ManualClock
    from shared.ids import id_source

    twins = [Child(service("a", idle)), Child(service("a", idle))]
    with pytest.raises(ValueError, match="one name"):
        Supervisor(Bus.__new__(Bus), ManualClock(), id_source(""), "test", twins)
    assert ServiceStopped.retained
