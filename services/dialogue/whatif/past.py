"""What a recording knows: what came from outside and when, and what each engine answered to what, after how long."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from shared.events import (
    AlarmRang,
    AudioCaptured,
    AudioPlayed,
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    MemoryForget,
    MemoryNoted,
    MemoryQuery,
    MemoryResult,
    ModelLoaded,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    SessionCleared,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    SessionSummarised,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttFinal,
    SttFinish,
    SttPartial,
    TextEntered,
    ToolCall,
    ToolResult,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    WakeDetected,
)

__all__ = ["Answers", "Heard", "Past", "Timed", "tool_key"]

_GIVEN = (
    *(
        AlarmRang,
        AudioCaptured,
        MemoryForget,
        MemoryNoted,
        ModelLoaded,
        ServiceCrashed,
        ServiceFailed,
        ServiceReady,
        SessionCleared,
    ),
    *(SessionClosed, SessionOpened, SessionResumed, SessionSummarised, SkillsRegistered, SpeechEnded, SpeechStarted),
    *(SttPartial, TextEntered, WakeDetected),
)
_SLACK = 3_200
"""Samples by which two accounts of where speech ended may differ."""
_TAIL_NS = 150_000_000
_DEVICE_NS = 40_000_000


@dataclass(frozen=True, slots=True)
class Timed:
    """An event, and how long after its request it came, ns."""

    after: int
    event: Event


class Answers:
    """What was answered to each request of one kind; the same asked again gets its next answer, then its last."""

    def __init__(self) -> None:
        self._by_key: dict[str, deque[list[Timed]]] = defaultdict(deque)

    def begin(self, key: str) -> list[Timed]:
        """A request was made; what comes of it is to be added to the list."""
        answer: list[Timed] = []
        self._by_key[key].append(answer)
        return answer

    def next(self, key: str) -> Sequence[Timed]:
        """Return what came of the request; nothing when it was never made."""
        answers = self._by_key.get(key)
        if not answers:
            return ()
        return answers.popleft() if len(answers) > 1 else answers[0]


@dataclass(frozen=True, slots=True)
class Heard:
    """What recognition makes of a stretch of sound."""

    text: str
    trusted: bool
    confidence: float
    after: int
    """ns from the request to finish."""
    others: tuple[str, ...]
    """What it may just as well be."""
    guessed: bool
    """It was never asked for this stretch: put together from what it said of others."""


@dataclass(slots=True)
class Past:
    """See the module. Made by `Past.of`."""

    start: int = 0
    """When the first event came, unix ns."""
    given: list[Event] = field(default_factory=list)
    """What came from outside and from listening, in order; also the partial texts."""
    finals: list[tuple[SttFinal, int]] = field(default_factory=list)
    tools: Answers = field(default_factory=Answers)
    model: Answers = field(default_factory=Answers)
    memory: Answers = field(default_factory=Answers)
    voice: Answers = field(default_factory=Answers)
    device_ns: int = _DEVICE_NS
    """From samples to the speaker."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> Past:
        """Read a recording's events."""
        reader = _Reader(cls())
        for event in events:
            reader.read(event)
        return reader.done()

    @property
    def tail_ns(self) -> int:
        """How long recognition takes at the end, usually."""
        return round(median([after for _, after in self.finals])) if self.finals else _TAIL_NS

    def heard(self, first_sample: int, until_sample: int) -> Heard:
        """Return what recognition would say of a stretch, as far as the record knows."""
        inside = [f for f, _ in self.finals if first_sample < f.until_sample <= until_sample + _SLACK]
        if inside and abs(inside[-1].until_sample - until_sample) <= _SLACK and len(inside) == 1:
            final, after = next(pair for pair in self.finals if pair[0] is inside[0])
            if final.start_sample >= first_sample - _SLACK:
                return Heard(final.text, final.trusted, final.confidence, after, final.others, guessed=False)
        text = " ".join(self._words(first_sample, until_sample))
        sure = all(f.trusted for f in inside)
        return Heard(text, sure, 0.9 if sure else 0.2, self.tail_ns, (), guessed=True)

    def _words(self, first_sample: int, until_sample: int) -> Iterator[str]:
        """The words between two positions: of the finals by their times, without these as the partials had them."""
        for final, _ in self.finals:
            if final.until_sample <= first_sample or final.start_sample >= until_sample:
                continue
            if final.words:
                yield from (
                    w.text for w in final.words if first_sample <= w.until_sample and w.start_sample < until_sample
                )
            elif final.until_sample <= until_sample + _SLACK:
                yield self._without(final.text, self._partial(final.utterance, first_sample))
            else:
                yield self._partial(final.utterance, until_sample)

    def _partial(self, utterance: str, until_sample: int) -> str:
        """What was understood of the words before a pause: recognition had until the voice went on to say it."""
        onsets = (e.sample for e in self.given if isinstance(e, SpeechStarted) and e.sample > until_sample)
        limit = max(until_sample + _SLACK, next(onsets, 1 << 62))
        said = [
            p.text
            for p in self.given
            if isinstance(p, SttPartial) and p.utterance == utterance and p.until_sample <= limit
        ]
        return said[-1] if said else ""

    @staticmethod
    def _without(text: str, before: str) -> str:
        return text[len(before) :].strip() if before and text.startswith(before) else text

    def sound(self, text: str) -> Sequence[Timed]:
        """Return how the clause was spoken, whole; nothing where the record does not have it."""
        pieces = self.voice.next(text)
        return pieces if any(isinstance(piece.event, TtsAudio) and piece.event.last for piece in pieces) else ()


class _Reader:
    """Sorts events into a Past."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._finishes: dict[str, int] = {}
        self._asked: dict[str, tuple[int, list[Timed]]] = {}
        self._clauses: dict[tuple[str, int], tuple[int, list[Timed]]] = {}
        self._tool: tuple[int, list[Timed]] | None = None
        self._sounds: dict[str, int] = {}
        self._lags: list[int] = []

    def read(self, event: Event) -> None:
        past = self._past
        past.start = past.start or event.at
        if isinstance(event, _GIVEN):
            if event.source != "dialogue":
                past.given.append(event)
        elif isinstance(event, SttFinish):
            self._finishes[event.utterance] = event.at
        elif isinstance(event, SttFinal):
            past.finals.append((event, event.at - self._finishes.get(event.utterance, event.at)))
        elif isinstance(event, ToolCall | ToolResult):
            self._read_tool(event)
        elif isinstance(event, LlmRequest | LlmDelta | LlmResponse | LlmFailed):
            self._read_model(event)
        elif isinstance(event, MemoryQuery | MemoryResult):
            self._read_memory(event)
        elif isinstance(event, TtsRequest | TtsAudio | TtsFinished | TtsFailed | AudioPlayed):
            self._read_voice(event)

    def done(self) -> Past:
        if self._lags:
            self._past.device_ns = max(0, round(median(self._lags)))
        return self._past

    def _read_tool(self, event: ToolCall | ToolResult) -> None:
        if isinstance(event, ToolCall):
            self._tool = (event.at, self._past.tools.begin(tool_key(event)))
        elif self._tool is not None:
            at, answer = self._tool
            answer.append(Timed(event.at - at, event))

    def _read_model(self, event: LlmRequest | LlmDelta | LlmResponse | LlmFailed) -> None:
        if isinstance(event, LlmRequest):
            key = event.messages[-1].content if event.messages else ""
            self._asked[event.id] = (event.at, self._past.model.begin(key) if event.max_tokens else [])
        elif event.request in self._asked:
            at, answer = self._asked[event.request]
            answer.append(Timed(event.at - at, event))

    def _read_memory(self, event: MemoryQuery | MemoryResult) -> None:
        if isinstance(event, MemoryQuery) and event.source == "dialogue":
            self._asked[event.id] = (event.at, self._past.memory.begin(event.text))
        elif isinstance(event, MemoryResult) and event.request in self._asked:
            at, answer = self._asked[event.request]
            answer.append(Timed(event.at - at, event))

    def _read_voice(self, event: TtsRequest | TtsAudio | TtsFinished | TtsFailed | AudioPlayed) -> None:
        key = (event.reply, event.clause)
        if isinstance(event, TtsRequest):
            self._clauses[key] = (event.at, self._past.voice.begin(event.text))
        elif isinstance(event, AudioPlayed):
            self._played(event)
        elif key in self._clauses:
            at, answer = self._clauses[key]
            answer.append(Timed(event.at - at, event))
            self._sounds.setdefault(event.reply, event.at)

    def _played(self, event: AudioPlayed) -> None:
        """The first report of a reply says how long its first sample was under way."""
        came = self._sounds.pop(event.reply, None)
        if came is not None and event.until_sample and not event.clause:
            self._lags.append(event.at - event.until_sample * 1_000_000_000 // event.rate - came)


def tool_key(call: ToolCall) -> str:
    """What a skill is asked for, to find its answer by."""
    return f"{call.name}{json.dumps(call.arguments, sort_keys=True)}{call.sentence.strip().lower().rstrip('.?!')}"
