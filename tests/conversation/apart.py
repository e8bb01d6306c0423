"""The engines of any number of scenarios in four processes of their own, linked with the conversation through Redis.

Run as a program with the bus's URL and an engine's name it is one of the four: it obeys lines of JSON, and answers each
with a line. Every scenario has a bus, a link and keys of its own in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bus import Bus
from services.link import LinkService, LinkSettings
from services.supervisor import Child, Supervisor
from shared.clock import Clock, SystemClock
from shared.events import ServiceReady
from shared.ids import id_source, process_prefix
from shared.logs import configure
from tests.conversation.engines import ENGINES, Break, Script
from tests.conversation.slowly import slowly

__all__ = ["Apart", "apart"]

_ROOT = Path(__file__).resolve().parents[2]
_ALIVE_S = 30.0
"""Nobody dies here: a busy machine is not to be taken for that."""
_BEAT_S = 0.1


class _Worker:
    """One of the four."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._turn = asyncio.Lock()

    async def told(self, what: str, scenario: str, about: Mapping[str, Any]) -> None:
        """Tell it something, and wait until it has taken that in."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(f"{json.dumps([what, scenario, about])}\n".encode())
            assert await self._process.stdout.readline(), f"the process of {self.name} ended"

    async def end(self) -> None:
        self._process.kill()
        await self._process.wait()


class Apart:
    """See the module. `url` is where the conversation finds Redis. Made by `apart`."""

    def __init__(self, url: str, workers: Sequence[_Worker]) -> None:
        self._url = url
        self._workers = workers
        self._numbers = itertools.count(1)

    @contextlib.asynccontextmanager
    async def engines(self, bus: Bus, clock: Clock, script: Script) -> AsyncIterator[Break]:
        """Those of one more scenario, once everybody has met."""
        scenario = f"scenario{next(self._numbers)}"

        async def all_told(what: str, about: Mapping[str, Any]) -> None:
            await asyncio.gather(*(worker.told(what, scenario, about) for worker in self._workers))

        about = {name: value for name, value in vars(script).items() if name != "delays"}
        await all_told("begin", about)
        link = LinkService(_settings(self._url, "home", scenario), ("dialogue",), ("test",))
        ready: set[str] = set()
        untap = bus.tap(lambda event: ready.add(event.service) if isinstance(event, ServiceReady) else None)
        supervisor = Supervisor(bus, clock, id_source("link-"), "test", [Child(LinkService, lambda: link)])
        over = asyncio.Event()
        linking = asyncio.create_task(supervisor.run(over), name=scenario)
        try:
            async with asyncio.timeout(60):
                while not set(ENGINES) <= ready:
                    await asyncio.sleep(0.02)
            untap()
            yield lambda broken: all_told("break", broken)
        finally:
            over.set()
            await linking
            await all_told("end", {})


@contextlib.asynccontextmanager
async def apart(url: str, within: Sequence[str] = ()) -> AsyncIterator[Apart]:
    """Four processes, gone afterwards; `within` is what starts a program on their machine."""
    async with contextlib.AsyncExitStack() as stack:
        workers = []
        for name in ENGINES:
            process = await asyncio.create_subprocess_exec(
                *(*within, sys.executable, "-m", "tests.conversation.apart", url, name),
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            workers.append(_Worker(name, process))
            stack.push_async_callback(workers[-1].end)
        yield Apart(url, workers)


def _settings(url: str, name: str, scenario: str) -> LinkSettings:
    return LinkSettings(url=SecretStr(url), name=name, prefix=scenario, alive_s=_ALIVE_S, beat_s=_BEAT_S)


async def _obey(url: str, name: str) -> None:
    """Be one engine of every scenario that is begun, until standard input ends."""
    living: dict[str, tuple[Script, asyncio.Event, asyncio.Task[None]]] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        what, scenario, about = json.loads(line)
        if what == "begin":
            script, over = Script(**about), asyncio.Event()
            living[scenario] = script, over, asyncio.create_task(_live(url, name, scenario, script, over))
        elif what == "break":
            living[scenario][0].broken |= about
        else:
            _, over, life = living.pop(scenario)
            over.set()
            await life
        print("done", flush=True)


async def _live(url: str, name: str, scenario: str, script: Script, over: asyncio.Event) -> None:
    clock, ids = SystemClock(), id_source(process_prefix())
    link = LinkService(_settings(url, name, scenario), (name,))
    children = [Child(type(ENGINES[name](script)), lambda: ENGINES[name](script)), Child(LinkService, lambda: link)]
    await Supervisor(Bus(clock=clock, ids=ids), clock, ids, name, children).run(over)


if __name__ == "__main__":
    configure("error", "console")
    slowly(_obey(*sys.argv[1:]))
