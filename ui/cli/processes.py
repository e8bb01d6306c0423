"""`sotto run` and `sotto ps`: services in processes of their own, and who is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ui.cli.session import Session, console, print_json

__all__ = ["print_processes", "work"]


def work(session: Session, services: Sequence[str]) -> int:
    """Run services for conversations in other processes until told to stop."""
    from services.app import Worker, run_process
    from shared.events import ServiceCrashed, ServiceDegraded, ServiceReady

    worker = Worker(session.settings, services)

    def show(event: object) -> None:
        match event:
            case ServiceReady():
                console.print(f"{event.service}: ready")
            case ServiceDegraded():
                console.print(f"{event.service}: {event.reason}")
            case ServiceCrashed():
                console.print(f"{event.service}: crashed: {event.error}")

    async def main(stop: asyncio.Event) -> int:
        forget = worker.bus.tap(show)
        try:
            await worker.supervisor.run(stop)
        finally:
            forget()
        return 0

    return run_process(main)


def print_processes(session: Session, *, as_json: bool) -> None:
    """Print which process runs which services, and which conversations it holds."""
    from services.app import processes

    for node in asyncio.run(processes(session.settings)).values():
        if as_json:
            print_json(node.model_dump(include={"name", "version", "services", "sessions"}))
            continue
        console.print(f"{node.name}  [dim]{node.version}[/]  {', '.join(node.services)}")
        for held in node.sessions:
            console.print(f"    holds the conversation {held}")
