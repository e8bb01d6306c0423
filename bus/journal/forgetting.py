"""Forgetting: whole turns, and whatever else says the same words, leave a recording for good, sound included.

The files are rewritten; where entries were, a line says how many are gone. What is left is read as before, but the
session is no longer run again to the byte past such a place.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from bus.journal.errors import UnreadableLine
from bus.journal.lines import entries_of, forgotten_line
from bus.journal.place import Place, clause_name, folder_name
from bus.journal.sound import silence
from shared.events import (
    Event,
    LlmPrepare,
    LlmRequest,
    MemoryForget,
    SessionResumed,
    SessionSummarised,
    SkillsRegistered,
    SttFinal,
    SttStart,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnName,
)
from shared.pcm import CAPTURE_RATE

__all__ = ["forget"]

_SHORTEST = 4
"""Characters of a text that is looked for elsewhere; "yes" is everywhere."""
_MARGIN = CAPTURE_RATE // 2
"""Samples of sound that go before and after what was said."""

_ENVELOPE = frozenset(Event.model_fields)


@dataclass(slots=True)
class _Found:
    """What of one recording is to go."""

    turns: set[tuple[str, int]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    samples: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    """By turn: positions in the microphone's sound that are of it."""
    clauses: set[str] = field(default_factory=set)


def forget(folder: Path, order: MemoryForget) -> int:
    """Remove from a recording what the order names, if anything; returns how many turns went. It blocks.

    Nobody may be writing in it. An OSError leaves every file either as it was or as it is to be.
    """
    place = Place(folder)
    if not _concerns(place, order):
        return 0
    found = _find(place, order)
    for path in place.segments().values():
        _rewrite(path, order, found)
    for stem in found.clauses:
        for path in place.sound("speaker").glob(f"{stem}.*"):
            path.unlink()
    for samples in found.samples.values():
        silence(place, min(samples) - _MARGIN, max(samples) + _MARGIN)
    if order.everything:
        shutil.rmtree(place.folder / "audio", ignore_errors=True)
    return len(found.turns)


def _concerns(place: Place, order: MemoryForget) -> bool:
    """False where a look at the raw files shows already that nothing is meant."""
    if order.everything or order.until or any(folder_name(name.session) == place.folder.name for name in order.turns):
        return True
    texts = [json.dumps(text, ensure_ascii=False)[1:-1].casefold() for text in order.texts if _telling(text)]
    words = order.about.casefold().split()
    for path in place.segments().values():
        said = path.read_text(encoding="utf-8", errors="replace").casefold()
        if any(text in said for text in texts) or (words and all(word in said for word in words)):
            return True
        if any(name.session.casefold() in said for name in order.turns):  # it goes on with that session
            return True
    return False


def _find(place: Place, order: MemoryForget) -> _Found:
    found = _Found(texts={text.casefold() for text in order.texts if _telling(text)})
    turns = {(name.session, name.turn) for name in order.turns}
    for event in _events(place):
        if event.turn and not isinstance(event, LlmPrepare | LlmRequest) and _meant(event, order, found.texts):
            turns.add((event.session, event.turn))
    for event in _events(place):
        if (event.session, event.turn) in turns:
            found.turns.add((event.session, event.turn))
            _gather(event, found)
    return found


def _gather(event: Event, found: _Found) -> None:
    """Take in where a turn that goes has its sound, and what it said: later requests to the model say it again."""
    turn, said = (event.session, event.turn), tuple[str, ...]()
    if isinstance(event, TurnCommitted):
        said = (event.text,)
    elif isinstance(event, TurnFinished):
        said = (event.answered, event.heard)
    elif isinstance(event, SttStart):
        found.samples[turn].append(event.from_sample)
    elif isinstance(event, SttFinal):
        found.samples[turn] += [event.start_sample, event.until_sample]
    elif isinstance(event, TtsRequest):
        found.clauses.add(clause_name(event.session, event.reply, event.clause))
    found.texts |= {text.casefold() for text in said if _telling(text)}


def _meant(event: Event, order: MemoryForget, texts: set[str]) -> bool:
    if order.everything or (order.until and order.since <= event.at <= order.until):
        return True
    if isinstance(event, SkillsRegistered):
        return False
    if isinstance(event, SessionResumed | SessionSummarised) and not _told_by(event).isdisjoint(order.turns):
        return True
    said = "\n".join(_strings(event)).casefold()
    words = order.about.casefold().split()
    return any(text in said for text in texts) or (bool(words) and all(word in said for word in words))


def _told_by(event: SessionResumed | SessionSummarised) -> set[TurnName]:
    """The turns of other sessions that it tells of."""
    summary = event.summary
    turns = event.turns if isinstance(event, SessionResumed) else ()
    return {*(TurnName(session=t.session, turn=t.turn) for t in turns), *(summary.turns if summary else ())}


def _strings(event: Event) -> Iterator[str]:
    """Every text in the event's own fields."""
    waiting: list[object] = [getattr(event, name) for name in type(event).model_fields if name not in _ENVELOPE]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, BaseModel):
            waiting += value.__dict__.values()
        elif isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, tuple | list):
            waiting += value


def _telling(text: str) -> bool:
    return len(text.strip()) >= _SHORTEST


def _events(place: Place) -> Iterator[Event]:
    for path in place.segments().values():
        with path.open("rb") as lines:
            for line in lines:
                yield from _of(line)


def _of(line: bytes) -> list[Event]:
    try:
        return [entry for entry in entries_of(line) if isinstance(entry, Event) and entry.payload is None]
    except UnreadableLine:
        return []


def _rewrite(path: Path, order: MemoryForget, found: _Found) -> None:
    """Write the file without what goes, unless nothing does."""
    made, gone, all_gone = path.with_suffix(".part"), 0, 0
    with path.open("rb") as lines, made.open("wb") as kept:
        for line in lines:
            if order.everything or any(_goes(event, order, found) for event in _of(line)):
                gone += 1
                continue
            if gone:
                kept.write(forgotten_line(gone))
            all_gone, gone = all_gone + gone, 0
            kept.write(line)
        if gone:
            kept.write(forgotten_line(gone))
        kept.flush()
        os.fsync(kept.fileno())
    if all_gone + gone:
        made.replace(path)
    else:
        made.unlink()


def _goes(event: Event, order: MemoryForget, found: _Found) -> bool:
    return (event.session, event.turn) in found.turns or _meant(event, order, found.texts)
