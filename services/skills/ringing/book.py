"""The book of timers and alarms: what is waiting, paused or ringing, and what is due at a given moment.

No waiting and no I/O here: every method is told the time by the clock it was made with. Timers run on the monotonic
clock, so that setting the system's clock neither shortens nor lengthens them; alarms follow the wall clock.

What a call did is kept with what was there before: a call that comes again, because the process was killed before
anybody knew that it is done, undoes its work first. So each call takes effect once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from services.skills.ringing.alarm import Alarm
from shared.clock import Clock

__all__ = ["AlarmBook"]


class AlarmBook:
    """`ring_every` is the time in ns between two rings of the same alarm, `rings` how often it rings at most."""

    def __init__(self, clock: Clock, *, ring_every: int, rings: int) -> None:
        self._clock = clock
        self._ring_every = ring_every
        self._rings = rings
        self._alarms: dict[str, Alarm] = {}
        self._ends: dict[str, int] = {}
        self._call = ""
        self.changed: Callable[[], None] = lambda: None
        """Called after every change."""

    # ---- what there is

    def all(self) -> tuple[Alarm, ...]:
        """Everything that is set, the next to ring first."""
        there = (alarm for alarm in self._alarms.values() if alarm.state != "gone")
        return tuple(sorted(there, key=lambda alarm: (self.left(alarm), alarm.set_at, alarm.id)))

    def kept(self) -> tuple[Alarm, ...]:
        """What has to be kept: all, and what the last call took away."""
        return (*self.all(), *(alarm for alarm in self._alarms.values() if alarm.state == "gone"))

    def ringing(self) -> tuple[Alarm, ...]:
        """What rings now, the longest ringing first."""
        return tuple(alarm for alarm in self._alarms.values() if alarm.state == "ringing")

    def left(self, alarm: Alarm) -> int:
        """Time in ns until it is due; negative when it is overdue."""
        if alarm.state == "paused":
            return alarm.left
        end = self._ends.get(alarm.id)
        if end is not None and alarm.state == "waiting":
            return end - self._clock.monotonic_ns()
        return alarm.due - self._clock.now_ns()

    # ---- what is done to it

    def begin(self, call: str) -> None:
        """What is done from now on is done by this call. If it was begun before, what it did then is undone."""
        for alarm in tuple(self._alarms.values()):
            if alarm.call == call and alarm.before is not None:
                self._place(alarm.before)
            elif alarm.state == "gone" and alarm.call != call:
                del self._alarms[alarm.id]
        self._call = call

    def add(self, alarm: Alarm) -> Alarm:
        """Set it; one with an id that is known is not set again. Returns what the book holds."""
        known = self._alarms.get(alarm.id)
        if known is not None:
            return known
        self._put(alarm)
        return alarm

    def replace_all(self, alarms: Iterable[Alarm]) -> None:
        """Start with what was kept: timers end when what was left of them by the wall clock has passed."""
        self._alarms.clear()
        self._ends.clear()
        for alarm in alarms:
            self._place(alarm)

    def remove(self, alarm: Alarm) -> None:
        """Forget it."""
        there = self._alarms.get(alarm.id)
        if there is not None and there.state != "gone":
            self._put(there.model_copy(update={"state": "gone"}))

    def extend(self, alarm: Alarm, by: int) -> Alarm:
        """Lengthen (or with a negative `by` shorten) a timer; what is then overdue rings at once."""
        length = max(0, alarm.length + by)
        if alarm.state == "paused":
            return self._put(alarm.model_copy(update={"length": length, "left": max(0, alarm.left + by)}))
        due = self._clock.now_ns() + max(0, max(0, self.left(alarm)) + by)
        return self._put(alarm.model_copy(update={"length": length, "due": due, "state": "waiting", "attempt": 0}))

    def pause(self, alarm: Alarm) -> Alarm:
        """Stop a running timer's time."""
        left = max(0, self.left(alarm))
        self._ends.pop(alarm.id, None)
        return self._put(alarm.model_copy(update={"state": "paused", "left": left}))

    def unpause(self, alarm: Alarm) -> Alarm:
        """Let a paused timer run on."""
        due = self._clock.now_ns() + alarm.left
        return self._put(alarm.model_copy(update={"state": "waiting", "due": due, "left": 0}))

    def snooze(self, alarm: Alarm, by: int) -> Alarm:
        """Silence one that rings and let it ring again after `by`."""
        due = self._clock.now_ns() + by
        update = {"state": "waiting", "due": due, "attempt": 0, "next_ring": 0, "local": ""}
        return self._put(alarm.model_copy(update=update))

    def silence(self) -> tuple[Alarm, ...]:
        """Forget all that rings; returns it."""
        rung = self.ringing()
        for alarm in rung:
            self.remove(alarm)
        return rung

    # ---- time

    def next_due(self) -> int | None:
        """Time in ns until something rings next (0 or less: now); None when nothing will."""
        waits = [wait for alarm in self._alarms.values() if (wait := self._wait(alarm)) is not None]
        return min(waits, default=None)

    @property
    def follows_wall_clock(self) -> bool:
        """Whether anything waits for a time of day, which comes earlier or later when the clock is set."""
        return any(alarm.id not in self._ends and alarm.state == "waiting" for alarm in self._alarms.values())

    def ring(self) -> tuple[Alarm, ...]:
        """Return what rings now, each with its attempt counted; what had its last ring before is forgotten.

        Missed rings are not made up for: after a pause of any length each alarm rings once and goes on from there.
        """
        due = [alarm for alarm in self.all() if (wait := self._wait(alarm)) is not None and wait <= 0]
        for alarm in due:
            if alarm.attempt >= self._rings:
                self._forget(alarm)
        return tuple(self._rung(alarm) for alarm in due if alarm.attempt < self._rings)

    def holds(self, alarm: Alarm) -> bool:
        """Whether the alarm is in the book exactly as it is here."""
        return self._alarms.get(alarm.id) == alarm

    def _rung(self, alarm: Alarm) -> Alarm:
        next_ring = self._clock.now_ns() + self._ring_every
        update = {"state": "ringing", "attempt": alarm.attempt + 1, "next_ring": next_ring}
        rung = alarm.model_copy(update=update)
        self._place(rung)
        self.changed()
        return rung

    def _wait(self, alarm: Alarm) -> int | None:
        if alarm.state in ("paused", "gone"):
            return None
        if alarm.state == "waiting":
            return self.left(alarm)
        return self._ends[alarm.id] - self._clock.monotonic_ns()

    def _put(self, alarm: Alarm) -> Alarm:
        """A call's change."""
        if self._call:
            before = self._alarms.get(alarm.id)
            if before is not None:
                again = before.call == self._call
                before = before.before if again else before.model_copy(update={"call": "", "before": None})
            alarm = alarm.model_copy(update={"call": self._call, "before": before})
        if alarm.state == "gone" and alarm.before is None:
            self._forget(alarm)
            return alarm
        self._place(alarm)
        self.changed()
        return alarm

    def _forget(self, alarm: Alarm) -> None:
        del self._alarms[alarm.id]
        self._ends.pop(alarm.id, None)
        self.changed()

    def _place(self, alarm: Alarm) -> None:
        self._alarms[alarm.id] = alarm
        self._ends.pop(alarm.id, None)
        until = alarm.next_ring if alarm.state == "ringing" else alarm.due
        if alarm.state == "ringing" or (alarm.state == "waiting" and not alarm.local):
            self._ends[alarm.id] = self._clock.monotonic_ns() + until - self._clock.now_ns()
