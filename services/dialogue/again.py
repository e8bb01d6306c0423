"""A recording, held against dialogue as it is now: run again and compared to the byte, or held under other settings.

`python -m services.dialogue.again FOLDER [KEY=VALUE…]` tells the outcome as one JSON object, from a process of its own,
so that a conversation that goes on does not notice.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bus.journal import Recording, Step
from services.dialogue.rerun import Differs, rerun
from services.dialogue.settings import DialogueSettings
from services.dialogue.whatif import Change, Turn, changes, hold
from shared.errors import ConfigError, SottoError
from shared.events import Event, encode

__all__ = ["Check", "NoSteps", "OtherSettings", "changed", "check", "held_with", "imagine", "require_steps", "row"]

_SHARED = ("language", "wake")
_ENGINES = ("history_turns", "max_tokens", "seed", "system_prompt", "temperature")
"""Settings that change what the model is asked, whose answer no record knows."""


class NoSteps(SottoError):
    """The recording does not hold what is needed to run it again to the byte."""


class OtherSettings(SottoError):
    """The session was held with settings that do not exist here."""


@dataclass(frozen=True, slots=True)
class Check:
    """A recording that was run again."""

    session: str
    same: bool
    """Its log came out the same to the byte."""
    events: int
    sha256: str
    """Of the recorded log."""
    difference: str
    """The first one, for a person."""
    problems: tuple[str, ...]
    """What of it cannot be read."""


def check(taken: Recording) -> Check:
    """Run a session again with what was recorded of its engines. Raises NoSteps and OtherSettings."""
    settings = held_with(taken)
    require_steps(taken)
    before, difference = _digest(taken.events()), ""
    try:
        now = _digest(rerun(taken.entries(), settings))
    except Differs as error:
        now, difference = (0, ""), str(error)
    problems = tuple(str(problem) for problem in taken.problems if not problem.torn)
    return Check(taken.session, now == before, *before, difference, problems)


def imagine(taken: Recording, given: Mapping[str, object]) -> tuple[list[Change], list[str]]:
    """Return turn by turn what the settings `given` had changed, and what had to be guessed.

    Both times the conversation is held in virtual time from the record: what differs follows from the settings.
    Raises ConfigError for a setting of which no record can tell, and OtherSettings.
    """
    settings = held_with(taken)
    other = changed(settings, given)
    events = list(taken.events())
    before, now = hold(events, settings), hold(events, other)
    return changes(before.turns, now.turns), [what for what in now.guessed if what not in before.guessed]


def require_steps(taken: Recording) -> None:
    """Raise NoSteps unless the recording holds what dialogue took, and when."""
    if not any(isinstance(entry, Step) for entry in taken.entries()):
        raise NoSteps(
            f"{taken.session} does not hold what dialogue took when: it was recorded from outside, or has no turn.",
            remedy="It can be shown, and --set and --live work.",
        )


def held_with(taken: Recording) -> DialogueSettings:
    """Return dialogue's settings in the recorded session. Raises OtherSettings."""
    try:
        return DialogueSettings.model_validate(taken.settings.get("dialogue", {}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise OtherSettings(
            f"{taken.session} was held with a setting that this Sotto cannot use: "
            f"dialogue.{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            remedy=f"Run it again with the Sotto that recorded it, or edit {taken.folder / 'journal.json'}.",
        ) from None


def changed(settings: DialogueSettings, given: Mapping[str, object]) -> DialogueSettings:
    """Return the settings with those given by their dotted keys. Raises ConfigError for what no record can tell."""
    values = settings.model_dump()
    for key, value in given.items():
        section, _, name = key.rpartition(".")
        known = name in values and (section == "dialogue" or (not section and name in _SHARED))
        if not known or name in _ENGINES:
            raise ConfigError(
                f"No recording can tell what another `{key}` had changed: its engines answer from the record.",
                remedy=f"Hold it again with today's engines: `sotto replay SESSION --live --set {key}=…`.",
            )
        values[name] = str(value).split(",") if name == "wake" else value
    try:
        return type(settings).model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"dialogue.{where}: {first['msg']}, not {first['input']!r} (from --set).") from None


def row(change: Change) -> dict[str, Any]:
    """A turn of two conversations as JSON."""
    return {
        "before": _told(change.before), "now": _told(change.now), "different": list(change.what),
        "moved_ns": change.moved,
    }  # fmt: skip


def _told(turn: Turn | None) -> dict[str, Any] | None:
    if turn is None:
        return None
    said = {"turn": turn.number, "asked": turn.asked, "heard": turn.heard, "reason": turn.reason, "by": turn.by}
    return said | {"latency": turn.latency.model_dump() if turn.latency else None}


def _digest(events: Iterable[Event]) -> tuple[int, str]:
    """How many events there are, and the checksum of their log."""
    digest, count = hashlib.sha256(), 0
    for line in _lines(events):
        digest.update(line)
        count += 1
    return count, digest.hexdigest()


def _lines(events: Iterable[Event]) -> Iterator[bytes]:
    for event in events:
        header, payload = encode(event)
        yield b"%b %d\n" % (header, len(payload))


# ---- a process of its own


def main(words: Sequence[str]) -> int:
    """Print the outcome, or `{"error": …}` in words and return 1."""
    os.nice(10)
    folder, *given = words
    try:
        outcome, status = _outcome(Recording(Path(folder)), dict(one.split("=", 1) for one in given)), 0
    except SottoError as error:
        outcome, status = {"error": str(error)}, 1
    sys.stdout.write(json.dumps(outcome) + "\n")
    return status


def _outcome(taken: Recording, given: Mapping[str, object]) -> dict[str, Any]:
    if given:
        found, guessed = imagine(taken, given)
        return {"turns": [row(change) for change in found], "guessed": guessed}
    done = check(taken)
    return {name: getattr(done, name) for name in Check.__slots__}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
