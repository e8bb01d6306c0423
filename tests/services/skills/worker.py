"""A process of skills whose book is shared; on the first writing it is killed or stopped, before it or after it.

Run as a program with the bus's URL, its name, the prefix, how long a silent process lives, and optionally `SIGKILL` or
`SIGSTOP` with `before` or `after`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from bus import Bus
from bus.transport import Register
from services.link import LinkService, LinkSettings
from services.skills import SkillsService, SkillsSettings
from services.supervisor import Child, Supervisor, run_process
from shared.clock import SystemClock
from shared.ids import id_source, process_prefix
from shared.logs import configure


class StruckRegister(Register):
    """Strikes its own process."""

    struck: signal.Signals | None = None
    when = ""

    async def write(self, value: bytes, over: int) -> int:
        self._strike("before")
        number = await super().write(value, over)
        self._strike("after")
        return number

    def _strike(self, when: str) -> None:
        if self.struck is not None and self.when == when:
            how, self.struck = self.struck, None
            os.kill(os.getpid(), how)


def main(url: str, name: str, prefix: str, alive_s: str, struck: str = "", when: str = "") -> int:
    """Work until told to stop."""
    configure("error", "console")
    settings = LinkSettings(url=url, name=name, prefix=prefix, alive_s=float(alive_s), beat_s=float(alive_s) / 6)
    skills = SkillsSettings(languages=("en",), timezone="UTC", ring_every_s=1.0, rings=2)
    clock, ids = SystemClock(), id_source(process_prefix())

    def made() -> SkillsService:
        register = StruckRegister(url, "alarms", prefix=prefix)
        register.struck, register.when = signal.Signals[struck] if struck else None, when
        return SkillsService(skills, register=register)

    async def work(stop: asyncio.Event) -> int:
        link = LinkService(settings, ("skills",))
        children = [Child(SkillsService, made), Child(LinkService, lambda: link)]
        await Supervisor(Bus(clock=clock, ids=ids), clock, ids, name, children).run(stop)
        return 0

    return run_process(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
