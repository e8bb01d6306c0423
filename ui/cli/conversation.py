"""The commands that run an assistant: converse, ask once, demonstrate, take dictation."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bus import Subscription
from services.app import Assistant, CannotResume, Purpose, Settings, Speech, check_sound, devices, run_process, speech
from services.journal import JournalSettings
from shared.errors import ConfigError, SottoError
from shared.events import TextEntered, TurnFinished
from shared.pcm import CAPTURE_RATE, floats, pcm16, resample
from ui.cli.demo import QUESTIONS, Person
from ui.cli.keyboard import lines
from ui.cli.offer import offered
from ui.cli.session import Session, console, errors
from ui.cli.show import Show

__all__ = ["ask_once", "demonstrate", "hold", "take_dictation"]


def hold(session: Session, *, text: bool, as_json: bool, or_demo: bool) -> int:
    """Converse until the input ends or the person leaves; returns the exit status."""
    settings, earlier = session.settings, session.earlier()
    if or_demo and not text and settings.audio.input == "default" and not _has_microphone():
        console().print("There is no microphone here, so Sotto talks with itself first.", style="yellow")
        status = demonstrate(session, Path("sotto-demo.wav"))
        if not sys.stdin.isatty():
            return status
        console().print("\nNow it is your turn.")
        text = True
    spoken = settings.audio.output != "default"
    purpose: Purpose = "text" if text and not spoken else "voice"
    if text and spoken:
        settings = _with_audio(settings, input="none")
    settings = _with_audio(settings, exit_at_end=True)
    if purpose == "voice":
        check_sound(settings.audio)
    terminal = _terminal(settings, as_json=as_json)
    wanted = () if as_json else offered(settings)
    if not as_json:
        terminal.print("Type, and press Return. Ctrl-C ends." if text else "Speak, or type. Ctrl-C ends.", style="dim")
    reads_keys = settings.audio.input != "-" and (text or sys.stdin.isatty())
    return _held(
        lambda stop: _converse(
            Assistant(settings, purpose, watched=True, earlier=earlier), stop, as_json, reads_keys, wanted, terminal
        )
    )


def take_dictation(session: Session, *, as_json: bool) -> int:
    """Write down what is said until the input ends or the person leaves; returns the exit status."""
    settings = _with_audio(session.settings, output="null", exit_at_end=True)
    check_sound(settings.audio)
    return run_process(lambda stop: _converse(Assistant(settings, "dictation"), stop, as_json, keys=False))


def ask_once(session: Session, text: str, *, speak: bool, as_json: bool) -> int:
    """Ask one thing, print the answer; exit status 1 when there was none."""
    settings = _with_audio(session.settings, input="none") if speak else session.settings
    purpose: Purpose = "voice" if speak else "text"
    earlier = session.earlier()
    return _held(lambda stop: _ask(Assistant(settings, purpose, earlier=earlier), stop, text, speak, as_json))


def demonstrate(session: Session, output: Path) -> int:
    """Hold the built-in spoken conversation; returns the exit status."""
    console().print(f"A spoken conversation follows, in real time. The answers go to {output}.", style="dim")
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        pipe = Path(folder) / "voice"
        os.mkfifo(pipe)
        settings = _with_audio(session.settings, input=str(pipe), output=str(output), exit_at_end=True)
        alarms = settings.skills.model_copy(update={"alarms_file": Path(folder) / "alarms.json"})
        kept = {
            "journal": _asked_for(settings.journal),
            "memory": settings.memory.model_copy(update={"enabled": False}),
        }
        settings = settings.model_copy(update={"skills": alarms, **kept})
        return run_process(lambda stop: _demonstrate(Assistant(settings, "voice"), stop, pipe))


def _held(main: Callable[[asyncio.Event], Coroutine[Any, Any, int]]) -> int:
    """Hold it; a conversation that cannot be gone on with is told as it is."""
    try:
        return run_process(main)
    except ExceptionGroup as group:
        if len(group.exceptions) == 1 and isinstance(group.exceptions[0], CannotResume):
            raise group.exceptions[0] from None
        raise


async def _converse(
    assistant: Assistant,
    stop: asyncio.Event,
    as_json: bool,
    keys: bool,
    fetch: Sequence[str] = (),
    terminal: Console | None = None,
) -> int:
    show = Show(
        assistant.bus,
        terminal or console(),
        as_json=as_json,
        typed=assistant.purpose == "text" and sys.stdin.isatty(),
        dictated=assistant.purpose == "dictation",
    )
    async with asyncio.TaskGroup() as beside:
        beside.create_task(show.run(), name="show")
        async with assistant:
            assistant.fetch(fetch)
            typing = beside.create_task(_type(assistant, stop), name="keyboard") if keys else None
            await assistant.closed(stop)
            if typing is not None:
                typing.cancel()
        show.close()
    return 0


async def _type(assistant: Assistant, stop: asyncio.Event) -> None:
    """Say what is typed. Where nothing else is said, the end of the keyboard's input ends the conversation."""
    spoken = assistant.purpose == "voice"
    with assistant.bus.subscribe(TurnFinished, session=assistant.session, name="typed") as finished:
        async for line in lines():
            if line.strip():
                assistant.emit(TextEntered, text=line.strip(), speak=spoken)
                if not sys.stdin.isatty():
                    await anext(finished)
    if not spoken:
        stop.set()


async def _ask(assistant: Assistant, stop: asyncio.Event, text: str, speak: bool, as_json: bool) -> int:
    show = Show(assistant.bus, console(), as_json=True) if as_json else None
    async with asyncio.TaskGroup() as beside:
        if show is not None:
            beside.create_task(show.run(), name="show")
        with assistant.bus.subscribe(TurnFinished, session=assistant.session, name="answer") as finished:
            async with assistant:
                assistant.emit(TextEntered, text=text, speak=speak)
                turn = await _first(finished, stop)
        if show is not None:
            show.close()
        elif turn is not None:
            console().print(turn.answered, soft_wrap=True)
    return 0 if turn is not None and turn.reason == "answered" else 1


async def _demonstrate(assistant: Assistant, stop: asyncio.Event, pipe: Path) -> int:
    voice = speech(assistant.settings)
    sayings = {q.text: await asyncio.to_thread(_voiced, voice, q.text) for q in QUESTIONS}
    person = Person(QUESTIONS, sayings.__getitem__)
    show = Show(assistant.bus, console())
    async with asyncio.TaskGroup() as beside:
        beside.create_task(show.run(), name="show")
        untap = assistant.bus.tap(person.listen)
        async with assistant:
            talking = beside.create_task(person.talk(pipe), name="person")
            await assistant.closed(stop)
            talking.cancel()
        untap()
        show.close()
    return 0


async def _first(finished: Subscription[TurnFinished], stop: asyncio.Event) -> TurnFinished | None:
    """The next turn to end, or None when the person would not wait for it."""
    stopped = asyncio.create_task(stop.wait())
    turn = asyncio.create_task(anext(finished))
    await asyncio.wait([stopped, turn], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if turn.done():
        return turn.result()
    turn.cancel()
    return None


def _voiced(voice: Callable[[str], Speech], text: str) -> bytes:
    spoken = voice(text)
    return pcm16(resample(floats(spoken.pcm), spoken.rate, CAPTURE_RATE))


def _terminal(settings: Settings, *, as_json: bool) -> Console:
    """Where the transcript goes: beside the sound, when that goes to standard output."""
    if settings.audio.output != "-":
        return console()
    if as_json:
        raise ConfigError("Sound and events cannot both go to standard output.", remedy="Name a file as --output.")
    return errors()


def _asked_for(journal: JournalSettings) -> JournalSettings:
    """A demonstration is recorded only where somebody names a folder for it."""
    return journal.model_copy(update={"enabled": journal.enabled and journal.folder is not None})


def _has_microphone() -> bool:
    try:
        return any(device.inputs for device in devices())
    except SottoError:
        return False


def _with_audio(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"audio": settings.audio.model_copy(update=changes)})
