"""The transcript: a pure view from events to the lines a terminal shows, and the one line that is still moving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.text import Text

from shared.events import (
    AlarmRang,
    AudioCaptured,
    AudioPlayed,
    Event,
    Latency,
    MemoryNoted,
    ModelFailed,
    ModelLoaded,
    ModelProgress,
    ModelPulled,
    ServiceDegraded,
    ServiceFailed,
    SessionResumed,
    SpeechEnded,
    SpeechStarted,
    SttFinal,
    SttPartial,
    TtsAudio,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnInterrupted,
    TurnResumed,
    WakeDetected,
    WordMark,
)
from shared.pcm import level_dbfs

__all__ = ["Transcript"]

_METER = " ▁▂▃▄▅▆▇█"
_FLOOR_DBFS = -60.0
_LABELS = {
    "endpoint_wait": "end of speech",
    "recognition_tail": "recognition",
    "queue": "between",
    "prefill": "thinking",
    "first_clause": "first clause",
    "synthesis": "speech",
    "playout": "speaker",
}


@dataclass(slots=True)
class _Clause:
    text: str
    marks: dict[int, WordMark] = field(default_factory=dict)
    played: int = 0
    ended: bool = False

    def split(self) -> tuple[str, str]:
        """The text up to the last word whose last sample was played, and the rest."""
        if self.ended:
            return self.text, ""
        heard = max((m.end for m in self.marks.values() if m.until_sample <= self.played), default=0)
        return self.text[:heard], self.text[heard:]


class Transcript:
    """Feed it events; print the lines it returns, and show `live()` below them.

    Without `echo` what the person said is left out: the terminal shows it already. What is `dictated` is no part of a
    conversation: every utterance is a line.
    """

    def __init__(self, *, echo: bool = True, dictated: bool = False) -> None:
        self._echo = echo
        self._dictated = dictated
        self._level = _FLOOR_DBFS
        self._partial = ""
        self._speaking = False
        self._replies: dict[str, dict[int, _Clause]] = {}
        self._reply = ""
        self._pulling = ""
        self._on: dict[type[Event], Callable[..., list[Text]]] = {
            AlarmRang: self._alarm,
            AudioCaptured: self._captured,
            AudioPlayed: self._played,
            MemoryNoted: self._noted,
            ModelFailed: self._refused,
            ModelLoaded: self._loaded,
            ModelProgress: self._progress,
            ModelPulled: self._pulled,
            ServiceDegraded: self._degraded,
            ServiceFailed: self._failed,
            SessionResumed: self._gone_on,
            SpeechEnded: self._ended,
            SpeechStarted: self._started,
            SttFinal: self._final,
            SttPartial: self._understood,
            TtsAudio: self._audio,
            TtsRequest: self._clause,
            TurnCommitted: self._commit,
            TurnFinished: self._finish,
            TurnInterrupted: self._interrupted,
            TurnResumed: self._resumed,
            WakeDetected: self._wake,
        }

    @property
    def kinds(self) -> tuple[type[Event], ...]:
        """The kinds of events that `feed` understands."""
        return tuple(self._on)

    def feed(self, event: Event) -> list[Text]:
        """Take in one event and return the lines it completes, oldest first."""
        return self._on[type(event)](event) if type(event) in self._on else []

    def live(self) -> Text:
        """Level meter, state, and what is being said at this moment."""
        loudness = min(1.0, max(0.0, 1 - self._level / _FLOOR_DBFS))
        meter = _METER[round(loudness * (len(_METER) - 1))] * 3
        line = Text.assemble((f" {meter} ", "green" if self._speaking else "dim"))
        clauses = self._replies.get(self._reply, {})
        if clauses and not self._partial:
            line.append("speaking  ", "cyan")
            line.append_text(_answer(clauses))
        elif self._speaking or self._partial:
            line.append("hearing  ", "green").append(self._partial or "…", "italic")
        else:
            line.append("listening", "dim")
        return line.append(self._pulling, "dim")

    def _captured(self, event: AudioCaptured) -> list[Text]:
        level = level_dbfs(event.pcm)
        self._level = max(_FLOOR_DBFS, level if math.isfinite(level) else _FLOOR_DBFS, self._level - 3.0)
        return []

    def _started(self, _: SpeechStarted) -> list[Text]:
        self._speaking = True
        return []

    def _ended(self, _: SpeechEnded) -> list[Text]:
        self._speaking = False
        return []

    def _understood(self, event: SttPartial) -> list[Text]:
        self._partial = event.text
        return []

    def _final(self, event: SttFinal) -> list[Text]:
        self._partial = ""
        if not event.text:
            return []
        if event.trusted:
            return [Text(event.text)] if self._dictated else []  # in a conversation it is told once it is committed
        return [Text.assemble(("" if self._dictated else "  you  ", "dim"), (f"({event.text}?)", "dim italic"))]

    def _wake(self, event: WakeDetected) -> list[Text]:
        return [Text.assemble(("  wake ", "dim"), (event.phrase.replace("_", " "), "green"))]

    def _commit(self, event: TurnCommitted) -> list[Text]:
        self._partial = ""
        return [Text.assemble(("  you  ", "bold green"), event.text)] if self._echo else []

    def _alarm(self, event: AlarmRang) -> list[Text]:
        return [Text.assemble(("  ⏰   ", "bold yellow"), event.speech)]

    def _clause(self, event: TtsRequest) -> list[Text]:
        if event.reply != self._reply:
            self._replies = {event.reply: {}}
            self._reply = event.reply
        self._replies[event.reply][event.clause] = _Clause(event.text)
        return []

    def _audio(self, event: TtsAudio) -> list[Text]:
        clause = self._replies.get(event.reply, {}).get(event.clause)
        if clause is not None:
            clause.marks |= {mark.start: mark for mark in event.marks}
        return []

    def _played(self, event: AudioPlayed) -> list[Text]:
        clause = self._replies.get(event.reply, {}).get(event.clause)
        if clause is not None:
            clause.played, clause.ended = event.until_sample, event.ended
        return []

    def _interrupted(self, event: TurnInterrupted) -> list[Text]:
        if not event.generated:
            return []
        unheard = event.generated.removeprefix(event.heard)
        line = Text.assemble(("sotto  ", "bold cyan"), event.heard, ("—", "bold red"), (unheard, "dim strike"))
        self._forget()
        return [line, Text(f"       interrupted ({event.reason}); the struck words were not heard", "dim")]

    def _resumed(self, event: TurnResumed) -> list[Text]:
        return [Text(f"       goes on ({event.reason})", "dim")]

    def _finish(self, event: TurnFinished) -> list[Text]:
        self._partial = ""
        if event.reason == "interrupted":
            return []
        lines = []
        if event.answered:
            unheard = event.answered.removeprefix(event.heard)
            lines.append(Text.assemble(("sotto  ", "bold cyan"), event.heard, (unheard, "dim strike")))
        elif event.reason in ("failed", "not-understood"):
            lines.append(Text(f"       {event.reason.replace('-', ' ')}", "yellow"))
        if event.latency is not None:
            lines.append(_latency(event.latency))
        self._forget()
        return lines

    def _forget(self) -> None:
        self._replies, self._reply = {}, ""

    def _noted(self, event: MemoryNoted) -> list[Text]:
        return [Text(f"       remembered: {item.text}", "dim") for item in event.items]

    def _gone_on(self, event: SessionResumed) -> list[Text]:
        """The last turn, so that one knows where one was."""
        summed = len(event.summary.turns) if event.summary else 0
        count = len(event.turns) + summed
        if not count:
            return []
        lines = [Text(f"Going on with {event.name}: {count} turn{'s' if count > 1 else ''}.", style="dim")]
        for last in event.turns[-1:]:
            lines += [Text(f"  {text}", style="dim") for text in (last.asked, last.heard) if text]
        return lines

    def _loaded(self, event: ModelLoaded) -> list[Text]:
        name = event.engine if event.engine == event.name else f"{event.engine} {event.name}"
        return [Text(f"       {event.role}: {name}", "dim")]

    def _progress(self, event: ModelProgress) -> list[Text]:
        self._pulling = f"   pulling {event.name} {100 * event.done_bytes // max(1, event.total_bytes)} %"
        return []

    def _pulled(self, event: ModelPulled) -> list[Text]:
        self._pulling = ""
        return [Text(f"       {event.name} has arrived", "dim")]

    def _refused(self, event: ModelFailed) -> list[Text]:
        self._pulling = ""
        return [Text.assemble(("    !  ", "yellow"), (f"{event.role}: {event.message}", "yellow"))]

    def _degraded(self, event: ServiceDegraded) -> list[Text]:
        return [Text.assemble(("    !  ", "yellow"), (f"{event.service}: {event.reason}", "yellow"))]

    def _failed(self, event: ServiceFailed) -> list[Text]:
        return [Text.assemble(("    !  ", "bold red"), (f"{event.service} gave up: {event.error}", "red"))]


def _answer(clauses: dict[int, _Clause]) -> Text:
    line = Text()
    for _, clause in sorted(clauses.items()):
        heard, rest = clause.split()
        line.append(heard).append(rest, "dim")
    return line


def _latency(latency: Latency) -> Text:
    parts = [
        f"{label} {getattr(latency, name) / 1e6:.0f}"
        for name, label in _LABELS.items()
        if getattr(latency, name) >= 500_000
    ]
    return Text(f"       {latency.total / 1e6:.0f} ms = {' + '.join(parts)}", "dim")
