"""`sotto replay --live`: a recorded conversation, held again in real time with the engines of today.

The microphone hears what it heard; where sound was not recorded, what was understood is typed. Every difference in
decisions and texts is shown. Nothing of it is recorded, remembered or set.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel

from bus.journal import NoSound, Recording
from services.app import Assistant, Settings, run_process
from services.dialogue.history import CUT, Exchange
from services.dialogue.ledger import Ledger
from services.dialogue.whatif import Change, Turn, changes, turns
from shared.config import load
from shared.errors import SottoError
from shared.events import Event, TextEntered, TurnCommitted, TurnFinished
from shared.pcm import CAPTURE_RATE
from ui.cli.session import Session, console
from ui.cli.sessions import recording
from ui.cli.whatif import show_changes

__all__ = ["hold_again"]

_SECTIONS = ("language", "wake", "listening", "stt", "dialogue", "llm", "tts")
"""What is as it was when the session was held; all else is as it is set now."""
_NEAR = CAPTURE_RATE // 2
"""Samples between two onsets of one sentence: detection may notice it a little sooner or later."""
_PATIENCE_S = 120
"""Seconds that it may take longer than it took; what is not finished then counts as another outcome."""


class NoSuchTurn(SottoError):
    """The session has no such turn to begin with."""


def hold_again(
    session: Session, name: str, given: Mapping[str, object], *, start: int | None = None, as_json: bool
) -> int:
    """Hold a session again; returns 0 when its turns are the same in decisions and texts.

    From the turn `start` on what was said is typed, after the turns before it as they were. Raises NoSound where there
    is no turn, NoSuchTurn for one that is not there.
    """
    taken = recording(session, name)
    events = list(taken.events())
    held = turns(events)
    if not held:
        raise NoSound(f"{taken.session} has no turn that could be held again.", remedy="Take another session.")
    before = [turn for turn in held if turn.number >= (start or 0)]
    if not before:
        raise NoSuchTurn(f"{taken.session} has no turn {start}.", remedy=f"Its last one is {held[-1].number}.")
    spoken = bool(taken.samples) and start is None
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        settings = _settings(session, taken, given, Path(folder), spoken=spoken)
        if not as_json:
            how = "speaks" if spoken else "types"
            console().print(f"The person of {taken.session} {how} again, in real time.", style="dim", soft_wrap=True)
        now: list[Event] = []
        longest = (events[-1].at - events[0].at) / 1e9 + _PATIENCE_S
        assistant = Assistant(settings, "voice" if spoken else "text")
        assistant.dialogue.remember(assistant.session, _past(held, start or 0))
        typed = _typed(taken, events) if spoken else _transcripts(events, start or 0)
        status = run_process(lambda stop: _hold(assistant, stop, typed, longest, now))
    if status:
        return status
    after = turns(now)
    if not spoken:
        before, after = _in_order(_asked(before)), _in_order(after)
    found = changes(before, after, near=_NEAR)
    show_changes(found, as_json=as_json)
    return int(any(_differs(change) for change in found))


def _past(held: Sequence[Turn], start: int) -> tuple[Exchange, ...]:
    """The turns before `start`, with what was heard of their answers."""
    earlier = [turn for turn in held if turn.number < start and turn.asked]
    return tuple(
        Exchange(
            turn.number, turn.asked, turn.heard + (CUT if turn.reason == "interrupted" else ""), Ledger(),
            shown=True, complete=True, real=True,
        )
        for turn in earlier
    )  # fmt: skip


def _asked(held: Sequence[Turn]) -> list[Turn]:
    """The turns in which something was asked: what was not understood cannot be typed."""
    return [turn for turn in held if turn.asked]


def _in_order(held: Sequence[Turn]) -> list[Turn]:
    """The turns as they are told apart where what was spoken is typed: by their place."""
    return [replace(turn, begun_by=("turn", place)) for place, turn in enumerate(held)]


def _differs(change: Change) -> bool:
    """True where a decision or a text is another; how far an answer was heard before somebody spoke may be."""
    return bool(set(change.what) - ({"heard"} if change.now and change.now.reason == "interrupted" else set()))


async def _hold(
    assistant: Assistant, stop: asyncio.Event, typed: Sequence[tuple[float, TextEntered]], longest: float,
    log: list[Event],
) -> int:  # fmt: skip
    """Let the person speak and type again, for at most `longest` seconds."""
    untap = assistant.bus.tap(log.append)
    async with asyncio.TaskGroup() as beside, assistant:
        typing = beside.create_task(_type(assistant, typed, stop), name="person") if typed else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await assistant.closed(stop)
        if typing is not None:
            typing.cancel()
    untap()
    return 0


async def _type(assistant: Assistant, typed: Sequence[tuple[float, TextEntered]], stop: asyncio.Event) -> None:
    """Type what was typed, as long after the last as then; the last answer ends a session without sound."""
    with assistant.bus.subscribe(TurnFinished, session=assistant.session, name="typed") as finished:
        for wait, entered in typed:
            await asyncio.sleep(wait)
            assistant.emit(TextEntered, text=entered.text, speak=entered.speak)
            if assistant.purpose == "text":
                await anext(finished)
    if assistant.purpose == "text":
        stop.set()


def _typed(taken: Recording, events: Sequence[Event]) -> list[tuple[float, TextEntered]]:
    """What was typed beside what was spoken, and how many seconds after the one before."""
    entered = [event for event in events if isinstance(event, TextEntered)]
    times = [taken.started_at, *(event.at for event in entered)]
    return [((b - a) / 1e9, event) for (a, b), event in zip(pairwise(times), entered, strict=True)]


def _transcripts(events: Sequence[Event], start: int) -> list[tuple[float, TextEntered]]:
    """What was typed or understood from the turn `start` on, each at once when the one before is answered."""
    stamped = {event.id: event for event in events if isinstance(event, TextEntered)}
    said = (e for e in events if isinstance(e, TurnCommitted) and e.turn >= start)
    return [(0.0, stamped.get(e.cause or "") or _as_typed(e)) for e in said]


def _as_typed(event: TurnCommitted) -> TextEntered:
    envelope = {name: getattr(event, name) for name in Event.model_fields}
    return TextEntered(**envelope, text=event.text, speak=False)


def _settings(
    session: Session, taken: Recording, given: Mapping[str, object], folder: Path, *, spoken: bool
) -> Settings:
    """The settings of then for the conversation, those of now for the machine, and `given` over both."""
    now = session.settings.model_dump()
    then = {key: value for key, value in taken.settings.items() if key in _SECTIONS}
    flags = dict(_leaves(Settings, {**now, **then})) | dict(given)
    flags |= {
        "audio.input": str(_microphone(taken, folder)) if spoken else "none",
        "audio.output": "null",
        "audio.exit_at_end": True,
        "skills.alarms_file": str(folder / "alarms.json"),
        "journal.enabled": False,
        "memory.folder": str(folder / "memory"),
    }
    return load(Settings, flags=flags, environ={}, file=None).settings


def _leaves(tree: type[BaseModel], values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in tree.model_fields.items():
        value = values.get(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) and isinstance(value, dict):
            yield from _leaves(field.annotation, value, f"{prefix}{name}.")
        elif value is not None:
            yield prefix + name, value


def _microphone(taken: Recording, folder: Path) -> Path:
    """What the microphone heard, as a file."""
    import soundfile

    path = folder / "microphone.flac"
    soundfile.write(path, taken.audio("microphone", 0, taken.samples), CAPTURE_RATE, subtype="PCM_16")
    return path
