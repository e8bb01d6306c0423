"""What is struck, and how: each has a coroutine for each fault that there is for it, which strikes, waits and mends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bus import Bus, Link, describe
from bus.transport import Node, RedisTransport, Taken
from shared.events import REGISTRY, Stamp
from shared.ids import id_source
from tests.chaos.clock import JumpingClock
from tests.kit.proxy import Proxy
from tests.kit.redis_server import RedisServer, SmallDisk

__all__ = ["ALIVE_S", "PREFIX", "Conversation", "Lines", "Server", "Target", "Worker"]

ALIVE_S = 0.6
PREFIX = "chaos"
_ROOT = Path(__file__).resolve().parents[2]
_SURE_S = 30.0
"""Who wants to take another's place gives it so long to be alive: a busy machine is no excuse."""


class Lines:
    """Proxies before one Redis, in a thread of their own: they go on while the event loop stands still."""

    def __init__(self, server: RedisServer, names: Sequence[str]) -> None:
        self._proxies = {name: Proxy(server.socket) for name in names}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines")

    def address(self, name: str) -> str:
        """Where the Redis of that name listens."""
        return f"redis://{self._proxies[name].address}"

    def each(self, names: Sequence[str], do: Callable[[Proxy], None]) -> None:
        """Do something to these of them."""
        for name in names:
            self._loop.call_soon_threadsafe(do, self._proxies[name])

    def __enter__(self) -> Self:
        self._thread.start()
        for proxy in self._proxies.values():
            asyncio.run_coroutine_threadsafe(proxy.__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies.values():
            asyncio.run_coroutine_threadsafe(proxy.__aexit__(None, None, None), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Target:
    """Somebody with lines to Redis."""

    def __init__(self, lines: Lines, *names: str) -> None:
        self._lines = lines
        self._names = names

    async def struck(self, fault: str, lasts_s: float) -> None:
        """Strike it, wait so long, and mend it."""
        await getattr(self, fault)(lasts_s)

    async def cut(self, lasts_s: float) -> None:
        self._lines.each(self._names, Proxy.cut)
        await asyncio.sleep(lasts_s)

    async def stall(self, lasts_s: float) -> None:
        self._lines.each(self._names, Proxy.stall)
        await asyncio.sleep(lasts_s)
        self._lines.each(self._names, Proxy.flow)

    async def slow(self, lasts_s: float) -> None:
        self._lines.each(self._names, _late(0.02))
        await asyncio.sleep(lasts_s)
        self._lines.each(self._names, _late(0.0))


def _late(by_s: float) -> Callable[[Proxy], None]:
    return lambda proxy: setattr(proxy, "delay_s", by_s)


class Worker(Target):
    """A process of services."""

    def __init__(self, lines: Lines, name: str, services: Sequence[str], folder: Path) -> None:
        super().__init__(lines, name)
        self.name = name
        self._arguments = (lines.address(name), name, PREFIX, str(ALIVE_S), str(folder), *services)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.worker", *self._arguments),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=asyncio.subprocess.PIPE,  # it ends when we do
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._listening = asyncio.ensure_future(self._process.stdout.readline())

    async def end(self) -> None:
        """Kill it, if it was started."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            await self._process.wait()

    async def finish(self) -> None:
        """Have it end by itself."""
        assert self._process is not None
        await self._tell(signal.SIGTERM)
        await self._process.wait()

    async def _tell(self, number: signal.Signals) -> None:
        """Send what it knows what to do with, once it does: one that has just been started would die of it."""
        await self._listening
        self.signal(number)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def kill(self, lasts_s: float) -> None:
        await self.end()
        await asyncio.sleep(lasts_s)
        await self.start()

    async def stop(self, lasts_s: float) -> None:
        self.signal(signal.SIGSTOP)
        await asyncio.sleep(lasts_s)
        self.signal(signal.SIGCONT)

    async def jump(self, lasts_s: float) -> None:
        await self._tell(signal.SIGUSR1)

    async def twin(self, lasts_s: float) -> None:
        await _refused(self._lines, self.name, self.name)


class Conversation(Target):
    """The process of the tests themselves, where the conversations are held."""

    def __init__(self, lines: Lines, name: str, clock: JumpingClock, sessions: tuple[str, ...]) -> None:
        super().__init__(lines, name)
        self._clock = clock
        self._sessions = sessions

    async def stop(self, lasts_s: float) -> None:
        time.sleep(lasts_s)  # nothing of it goes on

    async def jump(self, lasts_s: float) -> None:
        self._clock.jump()

    async def twin(self, lasts_s: float) -> None:
        await _refused(self._lines, self._names[0], "second", self._sessions)


class Server(Target):
    """Redis itself, with everybody's lines."""

    def __init__(self, lines: Lines, names: Sequence[str], server: RedisServer, disk: SmallDisk | None) -> None:
        super().__init__(lines, *names)
        self._server = server
        self._disk = disk

    async def kill(self, lasts_s: float) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.sleep(lasts_s)
        await asyncio.to_thread(self._server.start)

    async def stop(self, lasts_s: float) -> None:
        self._server.signal(signal.SIGSTOP)
        await asyncio.sleep(lasts_s)
        self._server.signal(signal.SIGCONT)

    async def full(self, lasts_s: float) -> None:
        with contextlib.ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, self._without_room())
            await asyncio.sleep(lasts_s)
            await asyncio.to_thread(stack.close)

    @contextlib.contextmanager
    def _without_room(self) -> Iterator[None]:
        if self._disk is not None:
            self._disk.fill()
            yield
            self._disk.free()
            return
        with self._server.client() as client:
            client.config_set("maxmemory", "1")
            yield
            client.config_set("maxmemory", "0")


async def _refused(lines: Lines, line: str, name: str, sessions: tuple[str, ...] = ()) -> None:
    """Try to be `name` and to hold these conversations; that has to be refused, and to leave no trace."""
    bus = Bus()
    transport = RedisTransport(lines.address(line), name, prefix=PREFIX, alive_s=_SURE_S)

    def node() -> Node:
        return describe(bus, REGISTRY, name=name, token="twin", version="1", services=(), sessions=sessions)

    stamp = Stamp("link", JumpingClock(), id_source("twin-"))
    try:
        await Link(bus, transport, REGISTRY, node, stamp, returns=False).run()
    except* Taken:
        pass
    finally:
        await transport.close()
