"""`sotto run`, `sotto serve` and `sotto ps`: services in processes of their own, and who is there."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ui.cli.session import Session, console, print_json, styled

if TYPE_CHECKING:
    from bus import Bus
    from services.supervisor import Supervisor

__all__ = ["print_processes", "serve", "work"]

_DRAINS_S = 8.0
"""How long a worker that is told to end goes on with what it has; systemd and containers wait for ten seconds."""

_YOUNG = 20_000
"""Things that a server makes before it looks for garbage: what a request leaves behind hardly ever goes in circles."""


def work(session: Session, services: Sequence[str]) -> int:
    """Run services for conversations in other processes until told to stop."""
    from services.app import Worker

    worker = Worker(session.settings, services)

    async def drain() -> None:
        await worker.link.drain(_DRAINS_S)

    return _run(worker.supervisor, worker.bus, asyncio.new_event_loop, last=drain, exit_within=_DRAINS_S + 1)


def serve(session: Session) -> int:
    """Answer over HTTP until told to stop."""
    from services.app import Server

    server = Server(session.settings)
    gc.set_threshold(_YOUNG)
    return _run(server.supervisor, server.bus, _fast_loop())


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """The loop of the server's packages; where they are missing, the gateway says so."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _run(
    supervisor: Supervisor,
    bus: Bus,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    *,
    last: Callable[[], Coroutine[Any, Any, None]] | None = None,
    exit_within: float = 0.95,
) -> int:
    """Run a tree until told to stop, and print how its services fare. `last` is done before it stops."""
    from services.app import run_process

    async def main(stop: asyncio.Event) -> int:
        forget, over = bus.tap(_show), asyncio.Event()
        ending = asyncio.create_task(end(stop, over), name="end")
        try:
            await supervisor.run(over)
        finally:
            ending.cancel()
            forget()
        return 0

    async def end(stop: asyncio.Event, over: asyncio.Event) -> None:
        await stop.wait()
        if last is not None:
            await last()
        over.set()

    return run_process(main, exit_within=exit_within, loop_factory=loop_factory)


def _show(event: object) -> None:
    from shared.events import GatewayOpened, ModelLoaded, ServiceCrashed, ServiceDegraded, ServiceReady

    match event:
        case ServiceReady():
            typer.echo(f"{event.service}: ready")
        case ServiceDegraded():
            typer.echo(f"{event.service}: {event.reason}")
        case ServiceCrashed():
            typer.echo(f"{event.service}: crashed: {event.error}")
        case ModelLoaded():
            typer.echo(f"{event.role}: {event.name}, by {event.engine}")
        case GatewayOpened():
            typer.echo(event.url)


def print_processes(session: Session, *, as_json: bool) -> None:
    """Print which process runs which services, and which conversations it holds."""
    from services.app import processes

    for node in asyncio.run(processes(session.settings)).values():
        if as_json:
            print_json(node.model_dump(include={"name", "version", "services", "sessions", "lag"}))
            continue
        lag = f"  {node.lag} waiting" if node.lag else ""
        services = f"  {', '.join(node.services)}"
        console().print(styled(f"{node.name}  ", (node.version, "dim"), services, (lag, "yellow")))
        for held in node.sessions:
            console().print(f"    holds the conversation {held}")
