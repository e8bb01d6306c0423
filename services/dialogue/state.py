"""The state of one conversation: frozen values, and the four ways in which a step adds a command.

Every part of the reducer is a function from a State to a State; the commands that a step decides gather in
`State.commands` until `reduce` takes them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from services.dialogue.clauses import Cutter
from services.dialogue.commands import Command, Fence, Forget, Publish, WakeAfter, WakeAt
from services.dialogue.endpointing import Wait
from services.dialogue.history import Exchange
from services.dialogue.latency import Capture, Moments
from services.dialogue.ledger import Ledger
from services.dialogue.settings import DialogueSettings
from shared.events import AlarmRang, Event, Message, Remembered, Summary, ToolRequest, ToolSpec

__all__ = [
    "ANSWER",
    "BARGE_IN",
    "ENDPOINT",
    "LIMIT",
    "RATE",
    "RECALL",
    "RECOGNITION",
    "Answer",
    "Onset",
    "Outcome",
    "Rules",
    "State",
    "Utterance",
    "emit",
    "fence",
    "forget",
    "named",
    "samples",
    "undecided",
    "wake_after",
    "wake_at",
    "with_answer",
    "with_utterance",
]

RATE = 16_000
"""Samples per second of the capture clock."""

ENDPOINT = "endpoint"
"""Wake: the silence after speech lasted as long as its words ask for."""
BARGE_IN = "barge-in"
"""Wake: somebody has been speaking over the answer for so long that it is an interruption."""
LIMIT = "limit"
"""Wake: the utterance is as long as it may be."""
RECOGNITION = "recognition"
"""Wake: recognition does not answer."""
RECALL = "recall"
"""Wake: memory took longer than an answer may be delayed by it."""
ANSWER = "answer"
"""Wake: nothing that the answer waits for has happened for too long."""

Outcome = Literal["answered", "interrupted", "not-understood", "silent", "failed", "ignored"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not change during a conversation."""

    settings: DialogueSettings
    wait: Wait


@dataclass(frozen=True, slots=True)
class Onset:
    """Speech that began while the utterance before it was still being recognised."""

    first_sample: int
    last_voiced: int = 0
    """0 while it goes on."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the person is saying, from its onset to its final text."""

    name: str
    turn: int
    first_sample: int
    started: bool
    """Its turn was opened; False while it may yet prove to be no interruption."""
    after_wake: bool = False
    """It began with a wake word, and the request itself may still be to come."""
    voiced: bool = True
    last_voiced: int = 0
    text: str = ""
    stable: str = ""
    confidence: float = 0.0
    covered: int = 0
    """Capture position up to which `text` tells what was said."""
    complete: bool = False
    """`text` is a whole sentence that skills know."""
    prepared: int | None = None
    """How many of its words the language model was told, None when it was told of nothing yet."""
    finishing: bool = False
    """Recognition was told the end; the final text is awaited."""
    moments: Moments = field(default_factory=Moments)
    endpoint_sample: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant is doing for the committed turn."""

    turn: int
    reason: Literal["speech", "text", "alarm"]
    asked: str
    language: str
    spoken: bool
    reply: str
    cutter: Cutter
    stage: Literal["skill", "recall", "model", "tool", "words"]
    """What is awaited: a skill's answer, what memory knows, the model's answer, a tool the model asked for, or nothing
    but the speaking."""
    by: str = ""
    outcome: Outcome = "answered"
    complete: bool = True
    """Nothing more was to be generated when the answer ended."""
    rounds: int = 0
    messages: tuple[Message, ...] = ()
    """What the model said and was told within this turn."""
    tools: tuple[ToolRequest, ...] = ()
    """Tools that the model asked for and that have not answered yet, the one being asked first."""
    recalled: tuple[Remembered, ...] | None = None
    """What memory knows of it; None while it was not asked."""
    without_memory: bool = False
    """It was to be asked, and is not there."""
    forgets: bool = False
    """It fulfils a wish to forget, and names what that was: it is no part of the history."""
    text: str = ""
    """All that was generated."""
    since_request: int = 0
    """Length of `text` when the model was last asked."""
    waiting: tuple[tuple[str, bool], ...] = ()
    """Clauses (and whether each is the last) that wait until it is decided whether the person interrupts."""
    clause: int = 0
    """Index of the next clause of the reply."""
    ledger: Ledger = field(default_factory=Ledger)
    paused: bool = False
    in_vain: int = 0
    """How often it fell silent for a noise."""
    voice_lost: bool = False
    """A clause could not be spoken, and an apology for it was tried."""
    moments: Moments = field(default_factory=Moments)
    model_queue_ns: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """One conversation. At most one utterance is listened to and at most one answer is given at any time."""

    rules: Rules
    language: str
    now: int = 0
    """Unix ns at which the step is made."""
    commands: tuple[Command, ...] = ()
    capture: Capture | None = None
    turn: int = 0
    """The last turn that was opened."""
    named: int = 0
    """How many utterances and replies have a name."""
    voiced_from: int | None = None
    """Onset of the speech that listening reports right now, whoever it is for."""
    gate_until: int = -1
    """With wake words: last sample at which a person may begin to speak without one."""
    utterance: Utterance | None = None
    later: Onset | None = None
    answer: Answer | None = None
    past: tuple[Exchange, ...] = ()
    summary: Summary | None = None
    """What stands for the turns before those."""
    alarms: tuple[AlarmRang, ...] = ()
    """Alarms that wait for their turn."""
    tools: tuple[ToolSpec, ...] = ()
    dead: frozenset[str] = frozenset()
    """Services that the supervisor has given up."""
    misses: int = 0
    """How often in a row the person was asked to say it again."""
    has_model: bool = False
    """A language model is loaded."""
    told_no_model: bool = False
    memory: Literal["none", "ready", "lost"] = "none"
    """Long-term memory: not a part of this assistant, there, or not there any more."""
    told_no_memory: bool = False
    noted: tuple[str, ...] = ()
    """What memory keeps of what was said in passing, and the person was not told yet."""
    session: str = ""
    written: bool = False
    """The conversation is held in writing: there is no voice, and answers are read."""

    @property
    def position(self) -> int:
        """The capture clock, as far as it is known."""
        return self.capture.sample if self.capture else 0

    @property
    def idle(self) -> bool:
        """True when nobody speaks and nothing is being answered."""
        return self.utterance is None and self.answer is None


def samples(ms: float) -> int:
    """Return how many samples of the capture clock `ms` milliseconds are."""
    return int(ms * RATE // 1000)


def undecided(state: State) -> bool:
    """True while somebody speaks over the answer and it is not known yet whether that interrupts it."""
    return state.utterance is not None and not state.utterance.started


def emit(state: State, kind: type[Event], turn: int, **fields: object) -> State:
    """Publish an event of the turn."""
    return _command(state, Publish(kind, turn, fields))


def fence(state: State, turn: int) -> State:
    """Fence every turn older than `turn`."""
    return _command(state, Fence(turn))


def named(state: State, prefix: str) -> tuple[State, str]:
    """Return a name that no utterance or reply of the session has borne."""
    count = state.named + 1
    return replace(state, named=count), f"{prefix}{state.turn}-{count}"


def wake_at(state: State, name: str, sample: int) -> State:
    """Be woken at a position of the capture clock."""
    return _command(state, WakeAt(name, sample))


def wake_after(state: State, name: str, seconds: float) -> State:
    """Be woken after a while."""
    return _command(state, WakeAfter(name, int(seconds * 1_000_000_000)))


def forget(state: State, *names: str) -> State:
    """Be woken no more under these names."""
    return replace(state, commands=(*state.commands, *(Forget(name) for name in names)))


def with_answer(state: State, **changes: object) -> State:
    """Change the answer being given."""
    assert state.answer is not None
    return replace(state, answer=replace(state.answer, **changes))  # type: ignore[arg-type] # checked at run time


def with_utterance(state: State, **changes: object) -> State:
    """Change the utterance being listened to."""
    assert state.utterance is not None
    return replace(state, utterance=replace(state.utterance, **changes))  # type: ignore[arg-type] # as above


def _command(state: State, command: Command) -> State:
    return replace(state, commands=(*state.commands, command))
