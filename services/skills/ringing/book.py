"""The book of timers and alarms: what is waiting, paused or ringing, and what is due at a given moment.

No waiting and no I/O here: every method is told the time by the clock it was made with. Timers run on the monotonic
clock, so that setting the system's clock neither shortens nor lengthens them; alarms follow the wall clock.

What a call did is in it together with the call's result: one that comes again, because whoever did it was killed before
anybody knew, is answered from there. So each call takes effect once.
"""

from __future__ import annotations

from collections.abc import Callable

from services.skills.ringing.alarm import Alarm, following
from services.skills.ringing.kept import Done, Kept, Question
from shared.clock import Clock

__all__ = ["AlarmBook"]

_RESULTS = 64
"""Of the last calls."""
_CALLS = 1024
"""That are known to be done: more than others do while a worker is stopped in the very middle of one."""
_OPEN = 120_000_000_000
"""How long a question may be answered."""


class AlarmBook:
    """`ring_every` is the time in ns between two rings of the same alarm, `rings` how often it rings at most.

    `counter` tells who counts rings here from those that share the book.
    """

    def __init__(self, clock: Clock, *, ring_every: int, rings: int, counter: str = "") -> None:
        self._clock = clock
        self._counter = counter
        self._ring_every = ring_every
        self._rings = rings
        self._alarms: dict[str, Alarm] = {}
        self._ends: dict[str, int] = {}
        self._done: dict[str, Done] = {}
        self._before: dict[str, None] = {}
        """Calls done before those."""
        self._questions: dict[str, Question] = {}
        self.changes = 0
        """How often it was changed."""
        self.changed: Callable[[], None] = lambda: None
        """Called after every change."""

    # ---- what there is

    def all(self) -> tuple[Alarm, ...]:
        """Everything that is set, the next to ring first."""
        return tuple(sorted(self._alarms.values(), key=lambda alarm: (self.left(alarm), alarm.set_at, alarm.id)))

    def kept(self) -> Kept:
        """What has to be kept."""
        return Kept(
            alarms=self.all(),
            done=tuple(self._done.values()),
            before=tuple(self._before),
            questions=tuple(self._questions.values()),
        )

    def done(self, call: str) -> Done | None:
        """What came of a call that changed something, nothing if that is long ago; None when it did not come before."""
        return Done(call=call) if call in self._before else self._done.get(call)

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

    def note(self, done: Done) -> None:
        """A call is done; of the oldest the result is forgotten, and then that it was."""
        self._done[done.call] = done
        if len(self._done) > _RESULTS:
            oldest = next(iter(self._done))
            del self._done[oldest]
            self._before[oldest] = None
        if len(self._before) > _CALLS - _RESULTS:
            del self._before[next(iter(self._before))]
        self.changes += 1

    def ask(self, question: Question) -> None:
        """A question is open in its session, and no other."""
        self._questions[question.session] = question
        self._note_change()

    def take_question(self, session: str) -> Question | None:
        """Return the question that is open in a session, which is so no longer; None when it is too old to be meant."""
        question = self._questions.pop(session, None)
        if question is None:
            return None
        self._note_change()
        return question if self._clock.now_ns() - question.at < _OPEN else None

    def add(self, alarm: Alarm) -> Alarm:
        """Set it; one with an id that is known is not set again. Returns what the book holds."""
        known = self._alarms.get(alarm.id)
        return known if known is not None else self._put(alarm)

    def replace_all(self, kept: Kept) -> None:
        """Start with what was kept: timers end when what was left of them by the wall clock has passed."""
        self._alarms.clear()
        self._ends.clear()
        self._done = {done.call: done for done in kept.done}
        self._before = dict.fromkeys(kept.before)
        self._questions = {question.session: question for question in kept.questions}
        for alarm in kept.alarms:
            self._place(alarm)
        self.changed()

    def remove(self, alarm: Alarm) -> None:
        """Forget it."""
        if alarm.id in self._alarms:
            del self._alarms[alarm.id]
            self._ends.pop(alarm.id, None)
            self._note_change()

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

    def skip(self, alarm: Alarm) -> Alarm:
        """Let one that comes again and again wait for the time after its next, or after now."""
        return self._put(following(alarm, max(alarm.due, self._clock.now_ns())))

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
        What comes again and again leaves at its time one that comes once, to ring, and waits for its next.
        """
        for alarm in self.all():
            if alarm.days and self.left(alarm) <= 0:
                self._put(alarm.model_copy(update={"id": f"{alarm.id}@{alarm.local}", "days": ()}))
                self.skip(alarm)
        due = [alarm for alarm in self.all() if (wait := self._wait(alarm)) is not None and wait <= 0]
        for alarm in due:
            if alarm.attempt >= self._rings:
                self.remove(alarm)
        return tuple(self._rung(alarm) for alarm in due if alarm.attempt < self._rings)

    def holds(self, alarm: Alarm) -> bool:
        """Whether the alarm is in the book exactly as it is here."""
        return self._alarms.get(alarm.id) == alarm

    def _rung(self, alarm: Alarm) -> Alarm:
        next_ring = self._clock.now_ns() + self._ring_every
        update = {"state": "ringing", "attempt": alarm.attempt + 1, "next_ring": next_ring, "counter": self._counter}
        return self._put(alarm.model_copy(update=update))

    def _wait(self, alarm: Alarm) -> int | None:
        if alarm.state == "paused":
            return None
        if alarm.state == "waiting":
            return self.left(alarm)
        return self._ends[alarm.id] - self._clock.monotonic_ns()

    def _put(self, alarm: Alarm) -> Alarm:
        self._place(alarm)
        self._note_change()
        return alarm

    def _note_change(self) -> None:
        self.changes += 1
        self.changed()

    def _place(self, alarm: Alarm) -> None:
        self._alarms[alarm.id] = alarm
        self._ends.pop(alarm.id, None)
        until = alarm.next_ring if alarm.state == "ringing" else alarm.due
        if alarm.state == "ringing" or (alarm.state == "waiting" and not alarm.local):
            self._ends[alarm.id] = self._clock.monotonic_ns() + until - self._clock.now_ns()
