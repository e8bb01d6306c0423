"""The waterfall: a turn's steps as spans on one time line, each in the lane of the service that worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ui.dashboard.step import Step

__all__ = ["LANES", "Span", "waterfall"]

LANES = ("person", "recognition", "dialogue", "skills", "language model", "speech", "speaker")
"""From the question to the answer, top down."""

_PAIRS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("person", "speaks", "speech.started", ("speech.ended",)),
    ("recognition", "listens", "stt.start", ("stt.final", "stt.failed", "stt.cancel")),
    ("skills", "looks", "tool.call", ("tool.result",)),
    ("speech", "synthesises", "tts.request", ("tts.finished", "tts.failed")),
)
"""Lane, what is done, the kind that begins it, and those that end it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Work of one service, or a moment where `start_ms` is `end_ms`; counted from the turn's first step."""

    lane: str
    what: str
    start_ms: float
    end_ms: float
    text: str


def waterfall(steps: Iterable[Step]) -> list[Span]:
    """Return the spans of a turn in the order of their beginnings. What did not end lasts to the turn's last step."""
    line = sorted(steps, key=lambda step: step.at)
    if not line:
        return []
    zero, last = line[0].at, max(step.until for step in line)
    found = [*_pairs(line, last), *_generations(line, last), *_playing(line), *_moments(line)]
    spans = (Span(lane, what, (a - zero) / 1e6, (b - zero) / 1e6, text) for lane, what, a, b, text in found)
    return sorted(spans, key=lambda span: (span.start_ms, LANES.index(span.lane)))


_Found = tuple[str, str, int, int, str]


def _pairs(line: Sequence[Step], last: int) -> Iterator[_Found]:
    for lane, what, begins, ends in _PAIRS:
        for index, step in enumerate(line):
            if step.kind == begins:
                end = _end(line[index + 1 :], ends, step)
                yield lane, what, step.at, last if end is None else end.at, step.text


def _end(later: Sequence[Step], kinds: tuple[str, ...], begun: Step) -> Step | None:
    """The step that ends `begun`: of its clause, utterance or request, or caused by it."""
    same = (s for s in later if s.kind in kinds and (s.cause == begun.id or not begun.group or s.group == begun.group))
    return next(same, None)


def _generations(line: Sequence[Step], last: int) -> Iterator[_Found]:
    for index, step in enumerate(line):
        if step.kind != "llm.request":
            continue
        later = line[index + 1 :]
        over = next((s for s in later if s.kind in ("llm.response", "llm.failed")), None)
        end = last if over is None else over.at
        first = next((s for s in later if s.kind == "llm.delta" and s.at <= end), None)
        begun = end if first is None else first.at
        yield "language model", "reads the prompt", step.at, begun, step.text
        if first is not None:
            yield "language model", "writes", begun, end, f"{first.count} pieces"


def _playing(line: Sequence[Step]) -> Iterator[_Found]:
    for step in line:
        if step.kind == "audio.played":
            yield "speaker", "plays", step.at, step.until, f"clause {step.group.rpartition('/')[2]}"


def _moments(line: Sequence[Step]) -> Iterator[_Found]:
    for step in line:
        domain = step.kind.partition(".")[0]
        if domain == "turn":
            yield "dialogue", step.kind, step.at, step.at, step.text
        elif step.kind in ("text.entered", "wake.detected"):
            yield "person", step.kind, step.at, step.at, step.text
        elif step.kind in ("audio.pause", "audio.resume", "audio.stop"):
            yield "speaker", step.kind, step.at, step.at, step.text
