"""`sotto run`, `sotto serve` and `sotto ps`: services in processes of their own, and who is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ui.cli.session import Session, console, print_json

if TYPE_CHECKING:
    from bus import Bus
    from services.supervisor import Supervisor

__all__ = ["print_processes", "serve", "work"]


def work(session: Session, services: Sequence[str]) -> int:
    """Run services for conversations in other processes until told to stop."""
    from services.app import Worker

    worker = Worker(session.settings, services)
    return _run(worker.supervisor, worker.bus, asyncio.new_event_loop)


def serve(session: Session) -> int:
    """Answer over HTTP until told to stop."""
    import uvloop

    from services.app import Server

    server = Server(session.settings)
    return _run(server.supervisor, server.bus, uvloop.new_event_loop)


def _run(
    supervisor: Supervisor,
    bus: Bus,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> int:
    """Run a tree until told to stop, and print how its services fare."""
    from services.app import run_process

    async def main(stop: asyncio.Event) -> int:
        forget = bus.tap(_show)
        try:
            await supervisor.run(stop)
        finally:
            forget()
        return 0

    return run_process(main, loop_factory=loop_factory)


def _show(event: object) -> None:
    from shared.events import GatewayOpened, ModelLoaded, ServiceCrashed, ServiceDegraded, ServiceReady

    match event:
        case ServiceReady():
            console.print(f"{event.service}: ready")
        case ServiceDegraded():
            console.print(f"{event.service}: {event.reason}")
        case ServiceCrashed():
            console.print(f"{event.service}: crashed: {event.error}")
        case ModelLoaded():
            console.print(f"{event.role}: {event.name}, by {event.engine}")
        case GatewayOpened():
            console.print(event.url)


def print_processes(session: Session, *, as_json: bool) -> None:
    """Print which process runs which services, and which conversations it holds."""
    from services.app import processes

    for node in asyncio.run(processes(session.settings)).values():
        if as_json:
            print_json(node.model_dump(include={"name", "version", "services", "sessions", "lag"}))
            continue
        lag = f"  [yellow]{node.lag} waiting[/]" if node.lag else ""
        console.print(f"{node.name}  [dim]{node.version}[/]  {', '.join(node.services)}{lag}")
        for held in node.sessions:
            console.print(f"    holds the conversation {held}")
