"""`sotto sessions`: what was recorded, and how it is looked at, taken along and forgotten."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.errors import SottoError
from ui.cli.session import Session, console, print_json, styled

if TYPE_CHECKING:
    from bus.journal import Recording, Summary
    from shared.events import Event

__all__ = ["app", "began", "recording"]

app = typer.Typer(help="List, show, export and delete recorded sessions.", no_args_is_help=True, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable lines of JSON.")]
Name = Annotated[str, typer.Argument(help="How the session's name begins, its folder, or `last`.")]


class CannotExport(SottoError):
    """The session cannot be written there."""


def recording(session: Session, name: str) -> Recording:
    """Return the recorded session of this name. Raises NoRecording and NewerJournal."""
    from bus.journal import find

    return find(session.settings.journal.root, name)


def began(at: int) -> str:
    """Unix ns as a person reads it."""
    return datetime.fromtimestamp(at / 1e9, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


@app.command("list")
def list_sessions(context: typer.Context, json: Json = False) -> None:
    """List the recorded sessions, the newest last."""
    from bus.journal import recordings

    root = context.obj.settings.journal.root
    found = recordings(root)
    names = _names(context.obj)
    if json:
        for summary in found:
            print_json({**_facts(summary), "name": names.get(summary.id, "")})
        return
    if not found:
        console().print(f"No session is recorded in {root}.", soft_wrap=True)
        return
    from rich.table import Table

    table = Table("session", "name", "began", "over", "events", "size", "sound", "", box=None, header_style="bold")
    for one in found:
        size = f"{one.bytes / 1e6:.1f} MB"
        live = styled(("now", "green")) if one.live else ""
        table.add_row(
            one.id,
            names.get(one.id, ""),
            began(one.started_at),
            one.over,
            str(one.events),
            size,
            "yes" if one.sound else "no",
            live,
        )
    console().print(table)
    console().print(f"\nThey are kept in {root}.", style="dim", soft_wrap=True)


@app.command()
def show(context: typer.Context, name: Name = "last", json: Json = False) -> None:
    """Show the turns of a session, and what of it cannot be read."""
    shown = recording(context.obj, name)
    facts, turns = _facts(shown.summary()), list(_turns(shown))
    if json:
        print_json({**facts, "turns": turns, "problems": [str(problem) for problem in shown.problems]})
        return
    for key, value in facts.items():
        console().print(styled((f"{key:12}", "bold"), f" {value}"), soft_wrap=True)
    for turn in turns:
        console().print(styled((f"\n{turn['turn']:>4}", "bold"), f" {turn['asked']}"), soft_wrap=True)
        wait = f"{turn['wait_ms']} ms" if turn["wait_ms"] is not None else ""
        console().print(styled(f"     {turn['heard']} ", (f"{turn['reason']} {wait}", "dim")), soft_wrap=True)
    for problem in shown.problems:
        console().print(str(problem), style="dim" if problem.torn else "yellow", soft_wrap=True)


@app.command()
def export(
    context: typer.Context,
    name: Name,
    output: Annotated[
        Path, typer.Argument(help="FILE.tar.gz (all of it), FILE.jsonl (its events), FILE.wav or .flac (its sound).")
    ],
) -> None:
    """Write a session into one file; sound has the microphone left and the speaker right."""
    taken = recording(context.obj, name)
    if output.exists():
        raise CannotExport(f"{output} is there already.", remedy="Name another file, or delete that one.")
    write = next((write for suffix, write in _FORMS.items() if output.name.endswith(suffix)), None)
    if write is None:
        raise CannotExport(
            f"{output.name} says no form that is known.", remedy=f"Let it end in one of {', '.join(_FORMS)}."
        )
    made = output.with_name(f".{output.name}")
    try:
        write(taken, made)
        made.rename(output)
    except OSError as error:
        raise CannotExport(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        made.unlink(missing_ok=True)
    for problem in taken.problems:
        console().print(str(problem), style="dim" if problem.torn else "yellow", soft_wrap=True)
    console().print(f"{taken.session} is in {output}.", soft_wrap=True)


@app.command("delete")
def delete_sessions(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Sessions; `last` is the newest.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All but what is being recorded.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete sessions: all that was recorded of them, and what their conversations hold of them."""
    from bus.journal import Recording, delete, find, recordings

    session: Session = context.obj
    root = session.settings.journal.root
    going = [Recording(one.folder) for one in recordings(root) if not one.live] if every else []
    going += [find(root, name) for name in names or ()]
    if not going:
        console().print("Nothing to delete: name sessions, or say --all.")
        return
    if not yes and sys.stdin.isatty():
        for one in going:
            console().print(f"  {one.session}  {began(one.started_at)}", soft_wrap=True)
        typer.confirm("Delete them for good?", abort=True)
    for one in going:
        delete(one)
        _leave(session, one.session)
        console().print(f"{one.session} is deleted.", soft_wrap=True)


def _names(session: Session) -> dict[str, str]:
    """What the conversations are called that sessions belong to, of those that somebody named."""
    file = session.settings.memory.root / "memory.sqlite3"
    if not file.exists():
        return {}
    from ui.cli.memory import opened

    with opened(session) as store:
        return {
            of: one.name for one in store.conversations.listed() for of in one.sessions if one.name not in one.sessions
        }


def _leave(session: Session, name: str) -> None:
    if (session.settings.memory.root / "memory.sqlite3").exists():
        from ui.cli.memory import opened

        with opened(session) as store:
            store.conversations.leave(name)


def _facts(summary: Summary) -> dict[str, object]:
    return {
        "session": summary.id,
        "began": began(summary.started_at),
        "over": summary.over,
        "events": summary.events,
        "bytes": summary.bytes,
        "sound": summary.sound,
        "live": summary.live,
        "folder": str(summary.folder),
    }


def _turns(shown: Recording) -> Iterator[dict[str, object]]:
    from shared.events import TurnFinished

    for event in shown.events():
        if isinstance(event, TurnFinished):
            yield {
                "turn": event.turn,
                "asked": event.asked,
                "heard": event.heard,
                "reason": event.reason,
                "by": event.by,
                "wait_ms": event.latency.total // 1_000_000 if event.latency else None,
            }


# ---- forms


def _archive(taken: Recording, made: Path) -> None:
    import tarfile

    with tarfile.open(made, "w:gz") as archive:
        archive.add(taken.folder, arcname=taken.folder.name)


def _events(taken: Recording, made: Path) -> None:
    with made.open("wb") as file:
        for event in taken.events():
            if event.payload is None:
                file.write(_line(event))


def _line(event: Event) -> bytes:
    from shared.events import encode

    return encode(event)[0] + b"\n"


def _sound(taken: Recording, made: Path) -> None:
    import numpy as np
    import soundfile

    from bus.journal import NoSound
    from shared.pcm import CAPTURE_RATE

    until = taken.samples
    if not until:
        raise NoSound(
            f"The sound of {taken.session} was not recorded.", remedy="`--set journal.audio=true` records it."
        )
    both = np.stack([taken.audio("microphone", 0, until), taken.audio("speaker", 0, until)], axis=1)
    soundfile.write(made, both, CAPTURE_RATE, format=made.suffix[1:].upper(), subtype="PCM_16")


_FORMS = {".tar.gz": _archive, ".jsonl": _events, ".wav": _sound, ".flac": _sound}
