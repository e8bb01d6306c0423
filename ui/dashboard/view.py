"""The view: all that the dashboard knows, folded from the frames of the event socket, in bounded memory.

No clock, no I/O, no Streamlit: the same frames give the same view.
"""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from shared.events import (
    REGISTRY,
    CodecError,
    Event,
    EventDead,
    LlmResponse,
    MetricSample,
    ModelFailed,
    ModelLoaded,
    ModelProgress,
    ModelPulled,
    ModelUnloaded,
    SubscriptionOverflowed,
    TtsFinished,
    TurnFinished,
    UnknownKind,
    decode,
)
from shared.standing import SERVICE_EVENTS, Standing, Standings
from ui.dashboard.step import RUNS, Step, step_of
from ui.dashboard.turns import Turn, fold_turn

__all__ = ["Generation", "View"]

_TURNS = 100
_RECENT = 500
_SERIES = 200
_POINTS = 720
_WHOLE = 300
_EARLIER_NS = 5_000_000_000
"""What was noticed so shortly before a turn began belongs to it."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What one answer of the language model cost."""

    at: int
    model: str
    tokens_per_s: float
    prefill_ms: float
    prompt_tokens: int
    cached_tokens: int


class View:
    """See the module; `fold` takes a frame in."""

    def __init__(self) -> None:
        self.session = ""
        self.version = ""
        self.last_id: str | None = None
        """The newest event, to go on from."""
        self.frames = 0
        """Grows with everything that is folded."""
        self.missed = 0
        """Events that the gateway left out because this client was too slow."""
        self.missed_kinds: dict[str, int] = {}
        self.turns: OrderedDict[tuple[str, int], Turn] = OrderedDict()
        self.recent: deque[Step] = deque(maxlen=_RECENT)
        self.standings = Standings()
        self.models: dict[str, ModelLoaded] = {}
        self.pulls: dict[str, ModelProgress] = {}
        self.model_failures: deque[ModelFailed] = deque(maxlen=20)
        self.dead: deque[EventDead] = deque(maxlen=50)
        self.overflows: OrderedDict[str, SubscriptionOverflowed] = OrderedDict()
        self.series: OrderedDict[str, deque[tuple[int, float]]] = OrderedDict()
        self.finished: deque[TurnFinished] = deque(maxlen=_RECENT)
        self.generations: deque[Generation] = deque(maxlen=_RECENT)
        self.synthesis: deque[tuple[int, float]] = deque(maxlen=_RECENT)
        """Unix ns, and time to synthesise over time to speak."""
        self.whole: OrderedDict[str, dict[str, JsonValue]] = OrderedDict()
        """The last events by id, as they came; without those of which many come, and without huge ones."""
        self._before: deque[Step] = deque(maxlen=8)
        self._folds: Mapping[type[Event], Callable[[Any], None]] = {
            EventDead: self.dead.append,
            LlmResponse: self._on_response,
            MetricSample: self._on_sample,
            ModelFailed: self._on_model_failed,
            ModelLoaded: self._on_loaded,
            ModelProgress: self._on_progress,
            ModelPulled: self._on_pulled,
            ModelUnloaded: self._on_unloaded,
            **dict.fromkeys(SERVICE_EVENTS, self._on_service),
            SubscriptionOverflowed: self._on_overflow,
            TtsFinished: self._on_synthesised,
            TurnFinished: self.finished.append,
        }

    def fold(self, frame: Mapping[str, Any]) -> None:
        """Take in one frame of the socket: a greeting, an event, or what was missed. Unknown ones are ignored."""
        self.frames += 1
        if "event" in frame:
            self._event(frame["event"])
        elif "hello" in frame:
            self._greeted(frame["hello"])
        elif "missed" in frame:
            self._lost(frame["missed"])

    def answer(self, id: str) -> dict[str, JsonValue] | None:
        """The last event that names `id` as its cause, if there is one yet."""
        return next((fields for fields in reversed(self.whole.values()) if fields.get("cause") == id), None)

    def of_session(self) -> Iterator[Turn]:
        """The turns of the present session, oldest first."""
        return (turn for turn in self.turns.values() if turn.session == self.session)

    def _greeted(self, hello: Mapping[str, Any]) -> None:
        session = str(hello.get("session") or "")
        if session != self.session:
            # Another run of the assistant: it tells of its services and models anew.
            self.services.clear()
            self.models.clear()
            self.pulls.clear()
            self.overflows.clear()
            self.last_id = None
        self.session, self.version = session, str(hello.get("version") or "")

    def _lost(self, missed: Mapping[str, Any]) -> None:
        for kind, count in (missed.get("kinds") or {}).items():
            self.missed += int(count)
            self.missed_kinds[str(kind)] = self.missed_kinds.get(str(kind), 0) + int(count)

    def _event(self, fields: dict[str, JsonValue]) -> None:
        step = step_of(fields)
        self.last_id = step.id
        if step.kind not in RUNS and step.kind != "skills.registered":
            self.whole[step.id] = fields
            _trim(self.whole, _WHOLE)
        if not (self.recent and self.recent[-1].takes(step)):
            self.recent.append(step)
        event = _decoded(fields)
        if event is None:
            return
        self._in_turn(step, event)
        take = self._folds.get(type(event))
        if take is not None:
            take(event)

    # ---- turns

    def _in_turn(self, step: Step, event: Event) -> None:
        turn = self._turn_of(step)
        if turn is not None:
            turn.add(_own(step))
            fold_turn(turn, event)
        elif step.kind.partition(".")[0] in ("speech", "wake", "text"):
            self._before.append(step)

    def _turn_of(self, step: Step) -> Turn | None:
        key = (step.session, step.turn)
        if step.turn > 0:
            turn = self.turns.get(key)
            return turn if turn is not None else self._begin(key, step)
        latest = next(reversed(self.turns.values()), None)
        listens = step.kind.partition(".")[0] in ("speech", "stt")
        if latest is not None and listens and latest.session == step.session and not latest.over:
            return latest
        return None

    def _begin(self, key: tuple[str, int], step: Step) -> Turn | None:
        if step.kind != "turn.started" and any(k[0] == key[0] and k[1] > key[1] for k in self.turns):
            return None  # the tail of a turn that is no longer kept
        turn = self.turns[key] = Turn(*key, started_at=step.at)
        for earlier in self._before:
            if earlier.session == step.session and step.at - earlier.at < _EARLIER_NS:
                turn.add(earlier)
        self._before.clear()
        _trim(self.turns, _TURNS)
        return turn

    # ---- services

    @property
    def services(self) -> dict[str, Standing]:
        """Where each service stands, by name."""
        return self.standings.by_name

    def _on_service(self, event: Event) -> None:
        self.standings.see(event)

    def _on_overflow(self, event: SubscriptionOverflowed) -> None:
        self.overflows[event.subscription] = event
        _trim(self.overflows, _SERIES)

    # ---- models

    def _on_loaded(self, event: ModelLoaded) -> None:
        self.models[event.role] = event

    def _on_unloaded(self, event: ModelUnloaded) -> None:
        self.models.pop(event.role, None)

    def _on_progress(self, event: ModelProgress) -> None:
        self.pulls[event.name] = event

    def _on_pulled(self, event: ModelPulled) -> None:
        self.pulls.pop(event.name, None)

    def _on_model_failed(self, event: ModelFailed) -> None:
        self.pulls.pop(event.name, None)
        self.model_failures.append(event)

    # ---- figures

    def _on_sample(self, event: MetricSample) -> None:
        labels = ",".join(f"{key}={value}" for key, value in sorted(event.labels.items()))
        name = f"{event.name}{{{labels}}}" if labels else event.name
        self.series.setdefault(name, deque(maxlen=_POINTS)).append((event.at, event.value))
        _trim(self.series, _SERIES)

    def _on_response(self, event: LlmResponse) -> None:
        usage = event.usage
        if not usage.completion_tokens:
            return
        self.generations.append(
            Generation(
                at=event.at,
                model=event.model,
                tokens_per_s=usage.completion_tokens * 1e9 / max(1, usage.decode_ns),
                prefill_ms=usage.prefill_ns / 1e6,
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached_tokens,
            )
        )

    def _on_synthesised(self, event: TtsFinished) -> None:
        if event.samples and event.rate:
            self.synthesis.append((event.at, event.synthesis_ns / 1e9 / (event.samples / event.rate)))


def _own(step: Step) -> Step:
    """A copy when the step may grow: `recent` and the turn each fold runs of their own."""
    if step.kind not in RUNS:
        return step
    return Step(
        step.id,
        step.at,
        step.kind,
        step.source,
        step.session,
        step.turn,
        step.cause,
        step.text,
        step.group,
        step.ends,
        step.at,
    )


def _decoded(fields: dict[str, JsonValue]) -> Event | None:
    try:
        return decode(REGISTRY, json.dumps(fields))
    except (CodecError, UnknownKind):
        return None


def _trim(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
