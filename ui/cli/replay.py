"""`sotto replay`: a recorded session, shown as it went, run again and compared, or held under another setting."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bus.journal import Recording, Step
from shared.errors import SottoError
from shared.events import AudioCaptured, Event, encode
from ui.cli.session import Session, console, print_json
from ui.cli.sessions import recording
from ui.cli.transcript import Transcript

if TYPE_CHECKING:
    from services.dialogue import DialogueSettings

__all__ = ["NoSteps", "OtherSettings", "again", "held_with", "require_steps", "view"]


class NoSteps(SottoError):
    """The recording does not hold what is needed to run it again to the byte."""


class OtherSettings(SottoError):
    """The session was held with settings that do not exist here."""


def view(session: Session, name: str, *, speed: float, turn: int | None, as_json: bool) -> int:
    """Play a session's events with their timing, `speed` times as fast (0: at once); returns the exit status."""
    shown = recording(session, name)
    transcript, before = Transcript(), 0
    for event in shown.events():
        if isinstance(event, AudioCaptured) or (turn is not None and event.turn != turn):
            continue
        if speed > 0 and before:
            time.sleep(max(0, event.at - before) / 1e9 / speed)
        before = event.at
        if as_json:
            sys.stdout.write(encode(event)[0].decode() + "\n")
            sys.stdout.flush()
            continue
        for line in transcript.feed(event):
            console.print(line, soft_wrap=True)
    _tell_problems(shown)
    return 0


def again(session: Session, name: str, *, as_json: bool) -> int:
    """Run a session again with what was recorded of its engines; returns 0 when the log is the same to the byte."""
    from services.dialogue.rerun import Differs, rerun

    taken = recording(session, name)
    settings = held_with(taken)
    require_steps(taken)
    before = _digest(taken.events())
    try:
        now, difference = _digest(rerun(taken.entries(), settings)), None
    except Differs as error:
        now, difference = (0, ""), error
    same = difference is None and now == before
    problems = [str(problem) for problem in taken.problems if not problem.torn]
    if as_json:
        print_json({
            "session": taken.session, "same": same, "events": before[0], "sha256": before[1],
            "difference": str(difference) if difference else "", "problems": problems,
        })  # fmt: skip
    elif same:
        console.print(
            f"{taken.session}: {before[0]} events, the same to the byte (sha256 {before[1][:16]}).", soft_wrap=True
        )
    else:
        console.print(f"{taken.session} does not come out the same. {difference or ''}".rstrip(), soft_wrap=True)
        _tell_problems(taken)
    return 0 if same else 1


def require_steps(taken: Recording) -> None:
    """Raise NoSteps unless the recording holds what dialogue took, and when."""
    if not any(isinstance(entry, Step) for entry in taken.entries()):
        raise NoSteps(
            f"{taken.session} does not hold what dialogue took when: it was recorded from outside, or has no turn.",
            remedy="It can be shown, and --set and --live work.",
        )


def held_with(taken: Recording) -> DialogueSettings:
    """Return dialogue's settings in the recorded session. Raises OtherSettings."""
    from services.dialogue import DialogueSettings

    try:
        return DialogueSettings.model_validate(taken.settings.get("dialogue", {}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise OtherSettings(
            f"{taken.session} was held with a setting that this Sotto cannot use: "
            f"dialogue.{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            remedy=f"Run it again with the Sotto that recorded it, or edit {taken.folder / 'journal.json'}.",
        ) from None


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


def _tell_problems(shown: Recording) -> None:
    for problem in shown.problems:
        console.print(str(problem), style="dim" if problem.torn else "yellow", soft_wrap=True)
