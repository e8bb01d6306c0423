"""A recorded conversation, run again: the recorded inputs go through the reducer, and the log must come out the same.

Everything comes from the record that came from outside when it was held: other services' events, the order in which
dialogue took its inputs, what its clock said then, and of what it published the id and the time. All else is decided
anew: which event follows from which input, in which order, of which turn and cause, with which content.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bus.journal import Entry, Step, kept
from services.dialogue.commands import Command, Fence, Forget, Publish, WakeAfter, WakeAt, Woke
from services.dialogue.endpointing import adaptive_wait
from services.dialogue.reducer import reduce
from services.dialogue.service import DialogueService
from services.dialogue.settings import DialogueSettings
from services.dialogue.state import Rules, State
from shared.clock import ManualClock
from shared.errors import SottoError
from shared.events import (
    AudioCaptured,
    Event,
    MemoryForgotten,
    ServiceDegraded,
    ServiceReady,
    ServiceStarting,
    SessionClosed,
    Stamp,
    current,
    encode,
)

__all__ = ["Differs", "rerun"]

_REMEMBERED = 30_000
"""Events that a later step may name: ten minutes of frames."""

_STOOD_STILL_NS = 400_000_000
"""A capture clock that has not moved for so long does not say when a wake is due."""

_EARLY_NS = 50_000_000
"""By how much the wall clock may have run apart from the loop's."""

_SUPERVISED = (ServiceDegraded, ServiceReady, ServiceStarting)
"""What a service says of itself is not the reducer's."""


class Differs(SottoError):
    """What is decided now is not what was recorded."""


@dataclass(slots=True)
class _Wakes:
    """What a conversation waits for; see `services.dialogue.wakes`, whose order this holds the record against."""

    samples: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    """Unix ns."""
    position: int = 0
    moved_at: int = 0
    ripe: deque[str] = field(default_factory=deque)
    """Due at the last frame, and to be taken before anything else is."""

    def set(self, command: Command, now: int) -> None:
        if isinstance(command, WakeAt | WakeAfter | Forget):
            self.samples.pop(command.name, None)
            self.times.pop(command.name, None)
        if isinstance(command, WakeAt):
            self.samples[command.name] = command.sample
        elif isinstance(command, WakeAfter):
            self.times[command.name] = now + command.ns

    def moved(self, frame: AudioCaptured, now: int) -> None:
        """Dialogue took a frame: what is due by it comes next."""
        self.position, self.moved_at = frame.first_sample + len(frame.pcm) // 2, now
        self.ripe = deque(name for _, name in sorted((s, n) for n, s in self.samples.items() if s <= self.position))

    def take(self, step: Step) -> None:
        """Raise Differs unless the step may come now."""
        while self.ripe and self.ripe[0] not in self.samples:
            self.ripe.popleft()
        if self.ripe and not (step.woke and step.input == self.ripe[0]):
            raise Differs(f"At sample {self.position} it now acts on {self.ripe[0]}, earlier than it did.")
        if not step.woke:
            return
        sample, time = self.samples.pop(step.input, None), self.times.pop(step.input, None)
        if sample is None and time is None:
            raise Differs(f"It acted on {step.input} at sample {self.position}, which it no longer waits for.")
        if sample is not None and sample > self.position and step.now - self.moved_at < _STOOD_STILL_NS:
            raise Differs(f"It acted on {step.input} at sample {self.position}, and now waits until {sample}.")
        if time is not None and step.now < time - _EARLY_NS:
            raise Differs(f"It acted on {step.input} {(time - step.now) / 1e9:.2f} s before it now does.")
        if self.ripe:
            self.ripe.popleft()


@dataclass(frozen=True, slots=True)
class _Decided:
    command: Publish
    cause: Event | None
    session: str


def rerun(entries: Iterable[Entry], settings: DialogueSettings) -> Iterator[Event]:
    """Return the log as it comes out now, event by event; raises Differs at the first that is not as recorded.

    A recording may end anywhere, as by a crash: what would have followed is not missed.
    """
    again = _Again(settings)
    for entry in entries:
        if isinstance(entry, Step):
            again.step(entry)
        elif entry.source == DialogueService.name and not again.is_aside(entry):
            yield again.publish(entry)
        else:
            again.take(entry)
            yield entry


class _Again:
    """The reducer's shell without a clock, a bus or a loop."""

    def __init__(self, settings: DialogueSettings) -> None:
        self._rules = Rules(settings, adaptive_wait(settings))
        self._states: dict[str, State] = {}
        self._wakes: dict[str, _Wakes] = {}
        self._closing: set[str] = set()
        self._fences: dict[str, int] = {}
        self._events: OrderedDict[str, Event] = OrderedDict()
        self._kept: dict[str, Event] = {}
        self._decided: deque[_Decided] = deque()

    def is_aside(self, event: Event) -> bool:
        """True for what dialogue says without a conversation that decides it."""
        return isinstance(event, _SUPERVISED) or (isinstance(event, MemoryForgotten) and not self._decided)

    def take(self, event: Event) -> None:
        """An event of another service came."""
        if self._decided:
            raise Differs(f"Before {event.kind} {event.id} it now says {_told(self._decided[0].command)}.")
        if event.retained:
            self._kept[event.id] = event
        self._events[event.id] = event
        if len(self._events) > _REMEMBERED:
            self._events.popitem(last=False)

    def step(self, step: Step) -> None:
        """Let the reducer take its input."""
        if self._decided:
            raise Differs(f"Before it takes {step.input} it now says {_told(self._decided[0].command)}.")
        taken = Woke(step.input) if step.woke else self._named(step.input)
        cause = self._named(step.cause) if step.cause is not None else None
        wakes = self._wakes.setdefault(step.session, _Wakes())
        wakes.take(step)
        state = self._states.get(step.session)
        if state is None:
            turn = self._fences.get(step.session, 0)
            state = State(self._rules, self._rules.settings.language, turn=turn, session=step.session)
        state, commands = reduce(state, taken, step.now)
        for command in commands:
            wakes.set(command, step.now)
            if isinstance(command, Publish):
                self._decided.append(_Decided(command, cause, step.session))
            elif isinstance(command, Fence):
                self._fences[step.session] = max(command.turn, self._fences.get(step.session, 0))
        if isinstance(taken, AudioCaptured):
            wakes.moved(taken, step.now)
        self._states[step.session] = state
        self._close(step.session, taken)

    def publish(self, recorded: Event) -> Event:
        """Return the recorded event, if that is what dialogue publishes next, but for its id and time."""
        if not self._decided:
            raise Differs(f"It no longer says {recorded.kind} {recorded.id}.")
        decided = self._decided.popleft()
        token = current.set(decided.cause)
        try:
            stamp = Stamp(DialogueService.name, ManualClock(recorded.at), lambda: recorded.id)
            command = decided.command
            event = stamp(command.kind, session=decided.session, turn=command.turn, **command.fields)
        finally:
            current.reset(token)
        if encode(kept(event)) != encode(kept(recorded)):
            raise Differs(_difference(recorded, kept(event)))
        self._events[event.id] = event
        return recorded

    def _named(self, id: str) -> Event:
        event = self._events.get(id) or self._kept.get(id)
        if event is None:
            raise Differs(
                f"It took event {id}, which is not in the recording.",
                remedy="The recording is not whole: `sotto sessions show` says what is missing.",
            )
        return event

    def _close(self, session: str, taken: Event | Woke) -> None:
        if isinstance(taken, SessionClosed):
            self._closing.add(session)
        if session in self._closing and self._states[session].idle:
            self._closing.discard(session)
            del self._states[session], self._wakes[session]


def _told(command: Publish) -> str:
    return f"{command.kind.kind} of turn {command.turn}"


def _difference(recorded: Event, event: Event) -> str:
    if type(recorded) is not type(event):
        return f"It now says {event.kind} where {recorded.kind} {recorded.id} was recorded."
    for name in type(event).model_fields:
        before, now = getattr(recorded, name), getattr(event, name)
        if before != now:
            return f"{recorded.kind} {recorded.id}: {name} was {before!r} and is now {now!r}."
    return f"{recorded.kind} {recorded.id} is written otherwise now."
