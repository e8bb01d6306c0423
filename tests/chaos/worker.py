"""A process of services, for the chaos suite: real skills that share their timers, the others from a script.

Run as a program with the bus's URL, its name, the prefix, how long a silent process lives, a folder for what it keeps,
and the services. SIGUSR1 sets its clock an hour on; told to end, it leaves the accounts of its subscriptions.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bus import Bus
from bus.transport import Register
from services.contract import Service
from services.link import LinkService, LinkSettings
from services.supervisor import Child, Supervisor, run_process
from shared.ids import id_source, process_prefix
from shared.logs import configure
from tests.chaos.clock import JumpingClock
from tests.chaos.parts import PARTS, Reader


def main(url: str, name: str, prefix: str, alive_s: str, folder: str, *services: str) -> int:
    """Work until told to stop."""
    configure("error", "console")
    settings = LinkSettings(url=url, name=name, prefix=prefix, alive_s=float(alive_s), beat_s=float(alive_s) / 6)
    clock, ids, place = JumpingClock(), id_source(process_prefix()), Path(folder)

    def skills() -> Service:
        from services.skills import SkillsService, SkillsSettings

        manners = SkillsSettings(languages=("en",), timezone="UTC", ring_every_s=1.0, rings=2, most_alarms=100_000)
        return SkillsService(manners, register=Register(url, "alarms", prefix=prefix))

    def child(service: str) -> Child:
        return Child(PARTS[service], skills if service == "skills" else partial(PARTS[service], place))

    async def work(stop: asyncio.Event) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, clock.jump)
        loop.add_reader(sys.stdin, stop.set)  # nothing is ever written there: whoever started it is gone
        print("listening", flush=True)
        bus = Bus(clock=clock, ids=ids)
        link = LinkService(settings, services)
        children = [
            Child(Reader, lambda: Reader(place / "texts" / name)),
            *map(child, services),
            Child(LinkService, lambda: link),
        ]
        async with Supervisor(bus, clock, ids, name, children):
            await stop.wait()
            (place / f"{name}.json").write_text(json.dumps([asdict(ledger) for ledger in bus.stats()], default=str))
        return 0

    return run_process(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
