"""`sotto daemon`: the engines without a conversation, for scripts and other programs of the same person."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import typer

from shared.errors import SottoError
from ui.cli.options import Json
from ui.cli.session import Session, console, print_json

__all__ = ["app"]

app = typer.Typer(
    help="Run the engines without a conversation, for scripts and other programs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_STARTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 10.0
_LOOK_S = 0.05


class NotStarted(SottoError):
    """The daemon ended before it could be asked."""


class NotStopped(SottoError):
    """What runs cannot be stopped from here."""


@app.command()
def start() -> None:
    """Start it in the background; it goes on when the terminal is closed."""
    import subprocess

    from services.local.place import Place

    place = Place()
    holder = place.holder()
    if holder is not None:
        console().print(f"A {holder.what} of Sotto runs already (process {holder.pid}), and answers.")
        return
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = place.folder / "daemon.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 (this program, with the person's own words)
            [sys.executable, "-m", "ui.cli", *_running(sys.argv[1:])],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        holder = place.holder()
        if holder is not None and holder.pid == process.pid:
            console().print(f"Sotto answers other programs now (process {process.pid}). `sotto daemon stop` ends it.")
            return
        time.sleep(_LOOK_S)
    process.terminate()
    raise NotStarted(f"The daemon did not start: {_last_words(log)}", remedy=f"See {log}.")


@app.command("run")
def run_here(context: typer.Context) -> None:
    """Run it here, until Ctrl-C; for a service of the system, say."""
    from services.app import Daemon
    from services.local.place import Place
    from services.supervisor import run_process

    session: Session = context.obj
    session.given(local__enabled=True)
    holder = Place().holder()
    if holder is not None:
        raise NotStarted(f"A {holder.what} of Sotto runs already (process {holder.pid}), and answers.")
    daemon = Daemon(session.settings)

    async def serve(stop: object) -> int:
        await daemon.supervisor.run(stop)  # type: ignore[arg-type]
        return 0

    raise typer.Exit(run_process(serve))


@app.command()
def stop() -> None:
    """End it; what is being answered is called off."""
    from services.local.place import Place

    place = Place()
    holder = place.holder()
    if holder is None:
        console().print("No daemon runs.")
        return
    if holder.what != "daemon":
        raise NotStopped(
            f"A conversation (process {holder.pid}) answers other programs.", remedy="End it where it is held."
        )
    os.kill(holder.pid, signal.SIGTERM)
    until = time.monotonic() + _ENDS_WITHIN_S
    while time.monotonic() < until:
        if place.holder() != holder:
            console().print("Stopped.")
            return
        time.sleep(_LOOK_S)
    raise NotStopped(f"Process {holder.pid} does not end.", remedy=f"`kill -9 {holder.pid}` ends it at once.")


@app.command()
def status(json: Json = False) -> None:
    """Say what runs; exit status 1 when nothing does."""
    from services.local.place import Place

    place = Place()
    holder = place.holder()
    if json:
        print_json(
            {
                "running": holder is not None,
                "what": holder.what if holder else None,
                "pid": holder.pid if holder else None,
                "socket": place.address,
            }
        )
    elif holder is not None:
        console().print(f"A {holder.what} runs (process {holder.pid}), and answers at {place.address}.", soft_wrap=True)
    elif place.address.exists():
        console().print("Nothing runs: the last one died. `sotto daemon start` clears up after it.")
    else:
        console().print("Nothing runs. `sotto daemon start` starts a daemon.")
    raise typer.Exit(int(holder is None))


def _running(arguments: list[str]) -> list[str]:
    """The same command line, to run it instead of starting it."""
    last = len(arguments) - 1 - arguments[::-1].index("start")
    return [*arguments[:last], "run", *arguments[last + 1 :]]


def _last_words(log: Path) -> str:
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " ".join(words[-2:]) or "it said nothing."
