"""What rings and when: on virtual time, over restarts, clock changes and a person who does not answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.transport import Outdated
from services.skills.ringing import Alarm, AlarmBook, Kept, OwnShelf, Ringer, Unsaved, following, resolve
from shared.clock import ManualClock

SECOND = 1_000_000_000
START = 1_795_269_600 * SECOND
"""Saturday, 21 November 2026, 14:00 UTC."""
LONDON = ZoneInfo("Europe/London")


class LoopClock:
    """The event loop's own time, with a wall clock that can be set."""

    def __init__(self) -> None:
        self.set_by = 0

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)

    def now_ns(self) -> int:
        return START + self.monotonic_ns() + self.set_by


class Inline(Executor):
    """Runs work where it is asked for, so that virtual time stands still meanwhile."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (whatever it raises belongs to the future, as in a pool)
            future.set_exception(error)
        return future


class FullDisk:
    """A store that cannot keep anything."""

    def load(self) -> Kept:
        return Kept(alarms=())

    def save(self, kept: object) -> None:
        raise Unsaved("The disk is full.")


class Table:
    """What several write on, each after a while."""

    def __init__(self) -> None:
        self.number, self.kept = 0, Kept(alarms=())
        self.written = asyncio.Event()


class OnTable:
    """A shelf of theirs."""

    shared = True

    def __init__(self, table: Table, slow_s: float) -> None:
        self._table = table
        self._slow_s = slow_s

    async def load(self, troubled: object = None) -> tuple[int, Kept]:
        await asyncio.sleep(self._slow_s)
        return self._table.number, self._table.kept

    async def save(self, kept: Kept, over: int) -> int:
        await asyncio.sleep(self._slow_s)
        if self._table.number > over:
            raise Outdated
        self._table.number, self._table.kept = over + 1, kept
        self._table.written.set()
        return over + 1

    async def other(self, than: int) -> None:
        while self._table.number == than:
            self._table.written.clear()
            await self._table.written.wait()


class Room:
    """A book and its ringer, and what was heard: (seconds since the start, alarm, attempt).

    `on_disk` holds the attempts that were kept at each of those moments.
    """

    def __init__(self, store: Any, clock: LoopClock, *, ring_every: int = 15, rings: int = 3) -> None:
        self.heard: list[tuple[float, str, int]] = []
        self.on_disk: list[list[int]] = []
        self.troubles: list[str] = []
        self._store = store
        self.clock = clock
        self.book = AlarmBook(clock, ring_every=ring_every * SECOND, rings=rings, counter=str(id(self)))
        shelf = store if isinstance(store, OnTable) else OwnShelf(store, Inline())
        self.ringer = Ringer(self.book, shelf, rang=self._rang, troubled=self.troubles.append, look=5.0)
        self._start = clock.monotonic_ns()

    async def _rang(self, alarm: Alarm) -> None:
        self.heard.append((self.elapsed(), alarm.id, alarm.attempt))
        self.on_disk.append([kept.attempt for kept in getattr(self._store, "kept", ())])

    def elapsed(self) -> float:
        return round((self.clock.monotonic_ns() - self._start) / SECOND, 1)


@contextlib.asynccontextmanager
async def room(store: Any, clock: LoopClock | None = None, **manners: int) -> AsyncIterator[Room]:
    made = Room(store, clock or LoopClock(), **manners)
    await made.ringer.open()
    tasks = [asyncio.create_task(made.ringer.run()), asyncio.create_task(made.ringer.follow())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def timer(clock: LoopClock | ManualClock, seconds: int, id: str = "t", name: str = "") -> Alarm:
    now = clock.now_ns()
    length = seconds * SECOND
    return Alarm(
        id=id, kind="timer", name=name, language="en", session="s", set_at=now, length=length, due=now + length
    )


def alarm(clock: LoopClock, seconds: int, id: str = "a") -> Alarm:
    """An alarm for a time of day: it waits for the wall clock."""
    due = clock.now_ns() + seconds * SECOND
    return Alarm(
        id=id, kind="alarm", name="", language="en", session="s", set_at=0, length=0, due=due, local="2026-11-21T20:00"
    )


@pytest.mark.looptime
async def test_a_timer_rings_when_its_time_has_passed(store):
    async with room(store) as here:
        here.book.add(timer(here.clock, 600))
        await asyncio.sleep(599)
        assert here.heard == []
        await asyncio.sleep(1.5)
        assert here.heard == [(600.0, "t", 1)]


@pytest.mark.looptime
async def test_it_rings_again_until_it_has_rung_often_enough(store):
    async with room(store) as here:
        here.book.add(timer(here.clock, 10))
        await asyncio.sleep(3600)
        assert here.heard == [(10.0, "t", 1), (25.0, "t", 2), (40.0, "t", 3)]
        assert here.book.all() == store.kept == ()


@pytest.mark.looptime
async def test_it_rings_no_more_once_silenced(store):
    async with room(store) as here:
        here.book.add(timer(here.clock, 10))
        await asyncio.sleep(12)
        assert [silenced.id for silenced in here.book.silence()] == ["t"]
        await asyncio.sleep(3600)
        assert here.heard == [(10.0, "t", 1)]


@pytest.mark.looptime
async def test_timers_set_while_another_runs_ring_in_their_order(store):
    async with room(store, rings=1) as here:
        here.book.add(timer(here.clock, 60, "late"))
        await asyncio.sleep(5)
        here.book.add(timer(here.clock, 10, "soon"))
        await asyncio.sleep(120)
        assert [(at, id) for at, id, _ in here.heard] == [(15.0, "soon"), (60.0, "late")]


@pytest.mark.looptime
async def test_setting_the_clock_leaves_timers_alone(store):
    clock = LoopClock()
    async with room(store, clock, rings=1) as here:
        here.book.add(timer(clock, 60))
        clock.set_by = 3600 * SECOND
        await asyncio.sleep(59)
        assert here.heard == []
        clock.set_by = -7200 * SECOND
        await asyncio.sleep(2)
        assert here.heard == [(60.0, "t", 1)]


@pytest.mark.looptime
@pytest.mark.parametrize(("set_by", "rings_at"), [(0, 600.0), (300, 300.0), (-300, 900.0)])
async def test_an_alarm_follows_the_wall_clock(store, set_by, rings_at):
    clock = LoopClock()
    async with room(store, clock, rings=1) as here:
        here.book.add(alarm(clock, 600))
        await asyncio.sleep(100)
        clock.set_by = set_by * SECOND
        await asyncio.sleep(2000)
        [(at, _, _)] = here.heard
        assert rings_at <= at <= rings_at + 5


@pytest.mark.looptime
async def test_a_paused_timer_waits_and_goes_on_with_what_was_left(store):
    async with room(store, rings=1) as here:
        set_ = here.book.add(timer(here.clock, 60))
        await asyncio.sleep(20)
        paused = here.book.pause(set_)
        await asyncio.sleep(1000)
        assert here.heard == []
        here.book.unpause(paused)
        await asyncio.sleep(100)
        assert here.heard == [(1060.0, "t", 1)]


@pytest.mark.looptime
async def test_a_snoozed_alarm_rings_from_its_first_attempt(store):
    async with room(store, rings=2) as here:
        here.book.add(timer(here.clock, 10))
        await asyncio.sleep(11)
        [ringing] = here.book.ringing()
        here.book.snooze(ringing, 60 * SECOND)
        await asyncio.sleep(1000)
        assert here.heard == [(10.0, "t", 1), (71.0, "t", 1), (86.0, "t", 2)]


@pytest.mark.looptime
async def test_what_was_due_while_nothing_ran_rings_at_once_and_only_once_for_all_that_was_missed(store):
    clock = LoopClock()
    store.kept = (timer(clock, 60),)
    await asyncio.sleep(3600)
    async with room(store, clock, rings=5) as here:
        await asyncio.sleep(1)
        assert here.heard == [(0.0, "t", 1)]


@pytest.mark.looptime
async def test_a_ring_is_counted_on_disk_before_it_is_heard(store):
    async with room(store) as here:
        here.book.add(timer(here.clock, 10))
        await asyncio.sleep(3600)
        assert [attempt for _, _, attempt in here.heard] == [1, 2, 3]
        assert here.on_disk == [[1], [2], [3]]


@pytest.mark.looptime
async def test_with_a_full_disk_it_rings_all_the_same_and_says_so():
    async with room(FullDisk()) as here:
        here.book.add(timer(here.clock, 10))
        assert not await here.ringer.keep()
        await asyncio.sleep(11)
        assert here.heard == [(10.0, "t", 1)]
        assert set(here.troubles) == {"The disk is full."}


@pytest.mark.looptime
@pytest.mark.parametrize("slow_s", [0.0, 0.02, 0.3])
async def test_of_two_who_share_the_book_one_rings_each_time(slow_s):
    """Also while both set timers: who writes too late finds his change undone, and makes it again."""
    table, ids = Table(), [f"t{number}" for number in range(40)]
    async with room(OnTable(table, 0.01)) as one, room(OnTable(table, slow_s)) as other:
        for number, id in enumerate(ids):
            here = (one, other)[number % 2]
            while id not in {alarm.id for alarm in here.book.all()}:
                here.book.add(timer(here.clock, 5, id))
                await here.ringer.keep()
            await asyncio.sleep(0.5)
        await asyncio.sleep(3600)
        heard = sorted((id, attempt) for _, id, attempt in (*one.heard, *other.heard))
        assert heard == sorted((id, attempt) for id in ids for attempt in (1, 2, 3))
        assert one.book.all() == other.book.all() == table.kept.alarms == ()


@pytest.mark.looptime
async def test_a_table_that_was_cleared_gets_what_they_know():
    """A Redis that was killed has forgotten what it was told last."""
    table = Table()
    async with room(OnTable(table, 0.01)) as one, room(OnTable(table, 0.01)) as other:
        one.book.add(timer(one.clock, 100))
        await one.ringer.keep()
        await asyncio.sleep(1)
        table.number, table.kept = 0, Kept(alarms=())
        table.written.set()
        await asyncio.sleep(1)
        assert table.kept.alarms == one.book.all() == other.book.all() != ()


# ---- what comes again

WEEKEND = (5, 6)
HOUR = 3600 * SECOND


def weekly(days: tuple[int, ...], local: str = "2026-11-21T15:00") -> Alarm:
    """An alarm in London that is first due an hour after the start, on Saturday."""
    return Alarm(
        id="w", kind="alarm", name="", language="en", session="s", set_at=0, length=0, due=START + HOUR, local=local,
        zone="Europe/London", days=days,
    )  # fmt: skip


def waiting(book: AlarmBook) -> list[tuple[str, str]]:
    """What waits, with its time of day."""
    return [(alarm.id, alarm.local) for alarm in book.all() if alarm.state == "waiting"]


def test_what_comes_again_rings_as_one_that_comes_once_and_waits_for_its_next_day():
    clock = ManualClock(START)
    book = AlarmBook(clock, ring_every=15 * SECOND, rings=3)
    book.add(weekly(WEEKEND))
    clock.advance(HOUR)
    assert [alarm.id for alarm in book.ring()] == ["w@2026-11-21T15:00"]
    assert waiting(book) == [("w", "2026-11-22T15:00:00")]
    book.silence()
    clock.advance(24 * HOUR)
    assert [alarm.id for alarm in book.ring()] == ["w@2026-11-22T15:00:00"]
    assert waiting(book) == [("w", "2026-11-28T15:00:00")]


def test_a_snoozed_ring_of_what_comes_again_moves_none_of_the_others():
    clock = ManualClock(START)
    book = AlarmBook(clock, ring_every=15 * SECOND, rings=3)
    book.add(weekly(WEEKEND))
    clock.advance(HOUR)
    book.snooze(book.ring()[0], 600 * SECOND)
    clock.advance(600 * SECOND)
    assert [(alarm.id, alarm.attempt) for alarm in book.ring()] == [("w@2026-11-21T15:00", 1)]
    assert waiting(book) == [("w", "2026-11-22T15:00:00")]


def test_of_what_came_again_while_nothing_ran_one_ring_is_made_up_for():
    clock = ManualClock(START)
    book = AlarmBook(clock, ring_every=15 * SECOND, rings=3)
    book.add(weekly((0, 1, 2, 3, 4, 5, 6)))
    kept = Kept.model_validate_json(book.kept().model_dump_json())
    clock.advance(100 * HOUR)
    book.replace_all(kept)
    assert [alarm.id for alarm in book.ring()] == ["w@2026-11-21T15:00"]
    assert waiting(book) == [("w", "2026-11-26T15:00:00")]
    assert book.ring() == ()


def test_what_comes_again_keeps_its_time_of_day_over_a_change_of_the_clocks():
    """On the last Sunday of March 2027 an hour is missing."""
    days = tuple(range(7))
    before = following(weekly(days), resolve(datetime.fromisoformat("2027-03-27"), LONDON))
    after = following(before, before.due)
    assert (before.local, after.local) == ("2027-03-27T15:00:00", "2027-03-28T15:00:00")
    assert after.due - before.due == 23 * HOUR


# ---- over random restarts

RINGS = 8
CRASHES = ("before-save", "before-ring", "after-ring")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(1, 300)),
        st.tuples(st.just("pass"), st.integers(1, 120)),
        st.tuples(st.just("crash"), st.tuples(st.integers(0, 300), st.sampled_from(CRASHES))),
    ),
    max_size=60,
)


class House:
    """The ringer's order of doing (count, save, ring) in plain steps, so that a crash can fall between any two."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.kept = Kept(alarms=())
        self.rung: dict[str, list[int]] = {}
        self.restart()

    def restart(self) -> None:
        self.book = AlarmBook(self.clock, ring_every=15 * SECOND, rings=RINGS)
        self.book.replace_all(self.kept)

    def ring(self, crash: str = "") -> None:
        rung = self.book.ring()
        if crash == "before-save":
            return self.restart()
        self.kept = self.book.kept()
        if crash == "before-ring":
            return self.restart()
        for alarm in rung:
            self.rung.setdefault(alarm.id, []).append(alarm.attempt)
        return self.restart() if crash else None


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_over_any_restarts_no_timer_rings_an_attempt_twice_and_none_is_lost(steps):
    house, crashes = House(), 0
    ids: list[str] = []
    for step, value in steps:
        if step == "set":
            ids.append(f"t{len(ids)}")
            house.rung[ids[-1]] = []
            house.book.add(timer(house.clock, value, ids[-1]))
            house.kept = house.book.kept()
        elif step == "pass":
            house.clock.advance(value * SECOND)
            house.ring()
        elif crashes < RINGS - 1:
            crashes += 1
            seconds, moment = value
            house.clock.advance(seconds * SECOND)
            house.ring(moment)
    for _ in range(RINGS + 1):
        house.clock.advance(300 * SECOND)
        house.ring()
    for id in ids:
        attempts = house.rung[id]
        assert attempts, f"{id} was lost"
        assert attempts == sorted(set(attempts)), f"{id} rang an attempt twice: {attempts}"
        assert attempts[-1] <= RINGS
    assert house.book.all() == ()
