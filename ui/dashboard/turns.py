"""A turn as it is seen from outside: what was asked, generated and heard, and the steps between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.events import (
    AudioPlayed,
    Event,
    Latency,
    LlmDelta,
    LlmFailed,
    SttFinal,
    SttPartial,
    TextEntered,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnInterrupted,
    TurnResumed,
    TurnStarted,
)
from ui.dashboard.step import Step

__all__ = ["MOST_STEPS", "Turn", "fold_turn"]

MOST_STEPS = 400
"""Steps that a turn keeps; the oldest go first, and are counted."""
_MOST_TEXT = 20_000


@dataclass(slots=True)
class Turn:
    """See the module. Texts and steps are bounded."""

    session: str
    number: int
    started_at: int
    """Unix ns."""
    reason: str = "speech"
    partial: str = ""
    stable: str = ""
    asked: str = ""
    generated: str = ""
    """What the answer says so far."""
    heard: str = ""
    by: str = ""
    outcome: str = ""
    """Why it ended; empty while it goes on."""
    interrupted: str = ""
    """What broke it off; empty if nothing did."""
    failure: str = ""
    latency: Latency | None = None
    finished_at: int = 0
    first_sample: int = 0
    """Capture position of the person's first voiced sample."""
    until_sample: int = 0
    """Capture position at which the person had finished."""
    speaking_from: int = 0
    """Capture position at which the answer was first heard; 0 when it was not."""
    speaking_until: int = 0
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=MOST_STEPS))
    lost: int = 0
    """Steps that were there and are kept no more."""
    clauses: int = 0

    @property
    def over(self) -> bool:
        """It ended."""
        return bool(self.outcome)

    def add(self, step: Step) -> None:
        """Keep a step."""
        if any(earlier.takes(step) for earlier in list(self.steps)[-4:]):
            return
        self.lost += len(self.steps) == MOST_STEPS
        self.steps.append(step)


def fold_turn(turn: Turn, event: Event) -> None:
    """Take in an event of this turn; kinds that say nothing about it are ignored."""
    take = _FOLDS.get(type(event))
    if take is not None:
        take(turn, event)


def _on_started(turn: Turn, event: TurnStarted) -> None:
    turn.reason, turn.first_sample, turn.started_at = event.reason, event.first_sample, event.at


def _on_partial(turn: Turn, event: SttPartial) -> None:
    turn.partial, turn.stable = event.text[:_MOST_TEXT], event.stable[:_MOST_TEXT]


def _on_final(turn: Turn, event: SttFinal) -> None:
    turn.partial = turn.stable = event.text[:_MOST_TEXT]


def _on_committed(turn: Turn, event: TurnCommitted) -> None:
    turn.asked, turn.until_sample = event.text[:_MOST_TEXT], event.endpoint_sample


def _on_text(turn: Turn, event: TextEntered) -> None:
    turn.asked = event.text[:_MOST_TEXT]


def _on_delta(turn: Turn, event: LlmDelta) -> None:
    turn.by = turn.by or "llm"
    turn.generated = (turn.generated + event.text)[:_MOST_TEXT]


def _on_clause(turn: Turn, event: TtsRequest) -> None:
    turn.clauses += 1
    if turn.by != "llm":
        turn.generated = f"{turn.generated} {event.text}".strip()[:_MOST_TEXT]


def _on_played(turn: Turn, event: AudioPlayed) -> None:
    if event.capture_sample:
        turn.speaking_from = turn.speaking_from or max(1, event.capture_sample - _captured(event))
        turn.speaking_until = event.capture_sample


def _captured(event: AudioPlayed) -> int:
    """What was played of the clause so far, in samples of the capture clock (16 kHz)."""
    return event.until_sample * 16_000 // max(1, event.rate)


def _on_interrupted(turn: Turn, event: TurnInterrupted) -> None:
    turn.interrupted, turn.heard = event.reason, event.heard[:_MOST_TEXT]
    turn.generated = event.generated[:_MOST_TEXT] or turn.generated


def _on_resumed(turn: Turn, event: TurnResumed) -> None:
    turn.interrupted = ""


def _on_failed(turn: Turn, event: LlmFailed) -> None:
    turn.failure = event.message[:_MOST_TEXT]


def _on_finished(turn: Turn, event: TurnFinished) -> None:
    turn.outcome, turn.by, turn.latency, turn.finished_at = event.reason, event.by, event.latency, event.at
    turn.asked = event.asked[:_MOST_TEXT] or turn.asked
    turn.generated, turn.heard = event.answered[:_MOST_TEXT], event.heard[:_MOST_TEXT]


_FOLDS: Mapping[type[Event], Callable[[Turn, Any], None]] = {
    AudioPlayed: _on_played,
    LlmDelta: _on_delta,
    LlmFailed: _on_failed,
    SttFinal: _on_final,
    SttPartial: _on_partial,
    TextEntered: _on_text,
    TtsRequest: _on_clause,
    TurnCommitted: _on_committed,
    TurnFinished: _on_finished,
    TurnInterrupted: _on_interrupted,
    TurnResumed: _on_resumed,
    TurnStarted: _on_started,
}
