"""`sotto dashboard`: Sotto in a browser, in a process of its own, until Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from types import FrameType
from typing import Annotated

import typer

from ui.cli.session import console, styled

__all__ = ["dashboard"]


def dashboard(
    url: Annotated[
        str, typer.Option(envvar="SOTTO_DASHBOARD_URL", help="The gateway of a running Sotto.")
    ] = "http://127.0.0.1:8321",
    key: Annotated[
        str, typer.Option(envvar="SOTTO_DASHBOARD_KEY", help="The gateway's key (gateway.key), if it asks for one.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback let others in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="SOTTO_DASHBOARD_PORT", help="Port to listen on.")] = 8322,
) -> None:
    """Show a running Sotto in a browser: the conversation, its timing, its services, and whatever can be tried."""
    from ui.dashboard.gateway import Gateway
    from ui.dashboard.launch import command, environment, require

    gateway = Gateway(url, key)
    require(host, port)
    child = subprocess.Popen(  # noqa: S603 (our own script)
        command(host, port), env=environment(gateway.url, key), stdout=subprocess.DEVNULL, start_new_session=True
    )
    place = f"http://{host}:{port}"
    console().print(
        styled("The dashboard: ", (place, f"link {place}"), f", of the Sotto at {gateway.url}. Ctrl-C ends it."),
        soft_wrap=True,
    )
    raise typer.Exit(_wait(child))


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child; whatever ends us ends it too. Returns the exit status."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return 0
