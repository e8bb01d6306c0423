"""`sotto install-service`: systemd units of the person's own, so that Sotto runs without a terminal."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import SottoError
from ui.cli.session import Session, console

__all__ = ["NoSystemd", "Unit", "install_service"]

_UNIT = """\
[Unit]
Description={about}
After=network-online.target{after}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={folder}
EnvironmentFile=-{environment}
Restart=always
RestartSec=2
TimeoutStopSec=15
NoNewPrivileges=true
PrivateTmp=true
RestrictSUIDSGID=true
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


class NoSystemd(SottoError):
    """This machine is not run by systemd."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the person's systemd: a conversation, or services for conversations in other processes."""

    services: tuple[str, ...]
    """Empty: the conversation by voice."""
    options: tuple[str, ...] = ()
    """More of the command line."""

    @property
    def name(self) -> str:
        """As `systemctl --user` calls it."""
        return f"sotto-{'-'.join(self.services)}.service" if self.services else "sotto.service"

    def text(self, environment: Path) -> str:
        """The unit's file; what is secret is read from `environment`."""
        command = [sys.executable, "-m", "ui.cli", *self.options, *(("run", *self.services) if self.services else ())]
        about = f"Sotto: {', '.join(self.services)}" if self.services else "Sotto: the conversation"
        return _UNIT.format(
            about=about,
            after="" if self.services else " pipewire.service pulseaudio.service",
            command=" ".join(_quoted(part) for part in command),
            folder=_root(),
            environment=environment,
        )


def install_service(
    context: typer.Context,
    services: Annotated[
        list[str] | None, typer.Argument(help="Services to run for other processes; none: the conversation.")
    ] = None,
    bus: Annotated[str | None, typer.Option(help="Redis where processes meet; only you can read it then.")] = None,
    all_but: Annotated[
        list[str] | None, typer.Option("--all-but", help="A service that another process runs; may be repeated.")
    ] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the unit, and write nothing.")] = False,
) -> None:
    """Write a systemd unit that runs Sotto when you log in; starting it is left to you."""
    context.obj.given(bus__url=bus)
    _require(context.obj, services or [])
    options = tuple(part for name in all_but or () for part in ("--all-but", name))
    unit, folder = Unit(tuple(services or ()), options), _config() / "systemd" / "user"
    environment = _config() / "sotto" / "service.env"
    if show:
        typer.echo(unit.text(environment), nl=False)
        return
    if sys.platform != "linux":
        raise NoSystemd("Units are for systemd, which this machine does not have.", remedy="Start `sotto` by hand.")
    if bus is not None:
        _keep(environment, bus)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / unit.name).write_text(unit.text(environment), encoding="utf-8")
    console().print(f"Written: {folder / unit.name}", soft_wrap=True)
    console().print(f"Start it with: systemctl --user daemon-reload && systemctl --user enable --now {unit.name}")
    console().print("To have it run while you are logged out: loginctl enable-linger", soft_wrap=True)


def _require(session: Session, services: Sequence[str]) -> None:
    """Let a worker that could not start be told of now."""
    if services:
        from services.app import Worker

        Worker(session.settings, services)


def _keep(environment: Path, bus: str) -> None:
    """Keep the URL, which may hold a password, where nobody else reads it."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    kept = environment.read_text(encoding="utf-8").splitlines() if environment.exists() else []
    lines = [line for line in kept if not line.startswith("SOTTO_BUS__URL=")] + [f"SOTTO_BUS__URL={bus}"]
    draft = environment.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(environment)


def _config() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _quoted(part: str) -> str:
    """As systemd reads it: its own percent and dollar signs are doubled."""
    return shlex.quote(part.replace("%", "%%").replace("$", "$$"))
