"""`sotto replay`: a recorded session, shown as it went, run again and compared, or held under another setting."""

from __future__ import annotations

import sys
import time

from bus.journal import Recording
from shared.events import AudioCaptured, encode
from ui.cli.session import Session, console, print_json
from ui.cli.sessions import recording
from ui.cli.transcript import Transcript

__all__ = ["again", "view"]


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
            console().print(line, soft_wrap=True)
    _tell_problems(shown)
    return 0


def again(session: Session, name: str, *, as_json: bool) -> int:
    """Run a session again with what was recorded of its engines; returns 0 when the log is the same to the byte."""
    from services.dialogue.again import Check, check

    taken = recording(session, name)
    done = check(taken)
    if as_json:
        print_json({name: getattr(done, name) for name in Check.__slots__})
    elif done.same:
        console().print(
            f"{done.session}: {done.events} events, the same to the byte (sha256 {done.sha256[:16]}).", soft_wrap=True
        )
    else:
        console().print(f"{done.session} does not come out the same. {done.difference}".rstrip(), soft_wrap=True)
        _tell_problems(taken)
    return 0 if done.same else 1


def _tell_problems(shown: Recording) -> None:
    for problem in shown.problems:
        console().print(str(problem), style="dim" if problem.torn else "yellow", soft_wrap=True)
