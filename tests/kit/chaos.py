"""Chaos: a conversation with workers on a Redis, faults drawn from a seed, and the account of what became of it.

Every worker is a process of its own that meets the others through a proxy of its own. Faults are kill -9, SIGSTOP, cut
and slow and stalled connections, for each of them and for Redis itself, a Redis that may not write any more, a clock
that jumps, and a second process that wants the same conversations.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import redis

from bus import Bus, Link, Overflow, describe
from bus.transport import Node, RedisTransport, SessionTaken
from shared.events import (
    REGISTRY,
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    ServiceCrashed,
    Stamp,
    TextEntered,
    ToolCall,
    ToolResult,
)
from shared.ids import id_source
from tests.kit.proxy import Proxy
from tests.kit.redis_server import RedisServer, redis_server

__all__ = ["ALIVE_S", "Chaos", "Fault", "Tally", "chaos"]

E = TypeVar("E", bound=Event)

ALIVE_S = 0.6
_PACE_S = 0.02
_ROOT = Path(__file__).resolve().parents[2]
_WORKERS = ("left", "right")
_SESSIONS = tuple(f"s{number}" for number in range(8))
"""Conversations, so that each worker has some."""


class JumpingClock:
    """The system's clock, off by as much as is said."""

    def __init__(self) -> None:
        self.off_ns = 0

    def now_ns(self) -> int:
        return time.time_ns() + self.off_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@dataclass
class Tally:
    """What became of everything."""

    turns: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    apologies: int = 0
    """Turns that ended with a crash that the person was told of."""
    lost: list[str] = field(default_factory=list)
    """Requests that were neither answered nor told as lost, texts that no worker has kept."""
    twice: list[str] = field(default_factory=list)
    """Answers or words that came twice."""
    repeated: int = 0
    """Effects that were begun again, and were found done."""
    unbalanced: list[str] = field(default_factory=list)
    """Ledgers that do not add up."""


@dataclass(frozen=True)
class Fault:
    """What is done to whom; returns how it is mended."""

    name: str
    strike: Callable[[], Coroutine[Any, Any, None]]
    mend: Callable[[], Coroutine[Any, Any, None]]


class Worker:
    """A process that is killed, stopped and cut off."""

    def __init__(self, name: str, proxy: Proxy, prefix: str, folder: Path) -> None:
        self.name = name
        self.proxy = proxy
        self._arguments = (f"redis://{proxy.address}", name, prefix, str(ALIVE_S), str(folder))
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.kit.chaos_worker", *self._arguments),
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
            )

    async def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def kill(self) -> None:
        await self.signal(signal.SIGKILL)
        assert self.process is not None
        await self.process.wait()


class Chaos:
    """See the module. Made by `chaos`."""

    def __init__(self, server: RedisServer, proxies: dict[str, Proxy], folder: Path) -> None:
        self.tally = Tally()
        self.clock = JumpingClock()
        self._server = server
        self._proxies = proxies
        self._folder = folder
        self._prefix = "chaos"
        ids = id_source("home-")
        self.bus = Bus(clock=self.clock, ids=ids)
        self.stamp = Stamp("person", self.clock, ids, "s")
        self.transport = RedisTransport(
            f"redis://{proxies['home'].address}", "home", prefix=self._prefix, alive_s=ALIVE_S
        )
        self.link = Link(self.bus, self.transport, REGISTRY, self._node, Stamp("link", self.clock, ids), beat_s=0.1)
        self.workers = {name: Worker(name, proxies[name], self._prefix, folder) for name in _WORKERS}
        self._open: dict[str, asyncio.Future[str]] = {}
        self._ended: Counter[str] = Counter()
        self._words: dict[str, list[int]] = {}
        self._entered: list[str] = []
        self.bus.tap(self._saw)
        self._watching = self.bus.subscribe(
            LlmDelta, LlmResponse, ToolResult, ServiceCrashed, capacity=100_000, overflow=Overflow.DROP_OLDEST
        )

    def _node(self) -> Node:
        return describe(
            self.bus, REGISTRY, name="home", token="1", version="1", services=("dialogue",), sessions=_SESSIONS
        )

    def _saw(self, event: Event) -> None:
        match event:
            case LlmDelta():
                words = self._words.setdefault(event.request, [])
                if words and event.index <= words[-1]:
                    self.tally.twice.append(f"word {event.index} of {event.request}")
                words.append(event.index)
            case LlmResponse() | ToolResult():
                self._end(event.cause or "", "answered")
            case ServiceCrashed():
                for request in tuple(self._open):
                    self._end(request, "apology")

    def _end(self, request: str, how: str) -> None:
        self._ended[request] += how == "answered"
        if self._ended[request] > 1:
            self.tally.twice.append(f"answer to {request}")
        waiting = self._open.pop(request, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(how)

    # ---- turns

    async def turn(self, *, patience_s: float = 30.0) -> None:
        """One turn: a text that is kept, a call with an effect, a question to the model; each is answered or lost."""
        self.tally.turns += 1
        number = self.tally.turns
        session = _SESSIONS[number % len(_SESSIONS)]
        entered = self.stamp(TextEntered, text=str(number), speak=False, turn=number, session=session)
        self._entered.append(entered.id)
        self.bus.publish(entered)
        call = self.stamp(
            ToolCall, sentence=str(number), name="", arguments={}, language="en", turn=number, session=session
        )
        question = self.ask(number, session)
        for request in (call, question):
            waiting = self._open[request.id] = asyncio.get_running_loop().create_future()
            self.bus.publish(request)
            try:
                async with asyncio.timeout(patience_s):
                    how = await waiting
            except TimeoutError:
                self.tally.lost.append(f"{request.kind} of turn {number}")
                continue
            self.tally.answered += how == "answered"
            self.tally.apologies += how == "apology"

    def ask(self, number: int, session: str, wait_s: float = 0.0) -> LlmRequest:
        """A question to the model that takes so long."""
        return self.stamp(
            LlmRequest,
            messages=(),
            tools=(),
            max_tokens=3,
            temperature=0.0,
            seed=0,
            stop=(),
            deadline_ms=round(wait_s * 1000),
            turn=number,
            session=session,
        )

    # ---- faults

    def faults(self) -> list[Fault]:
        """Everything that can be done to anybody."""
        return [
            *(fault for worker in self.workers.values() for fault in self._faults_of(worker)),
            *_faults_of_line("home", self._proxies["home"]),
            Fault("home: another one holds its conversations", self._second_owner, self._nothing),
            Fault("home: its clock jumps by an hour", self._jump, self._nothing),
            Fault("redis: kill -9", self._kill_redis, self._start_redis),
            Fault("redis: SIGSTOP", self._redis_signal(signal.SIGSTOP), self._redis_signal(signal.SIGCONT)),
            Fault("redis: may not write", self._redis_full(full=True), self._redis_full(full=False)),
        ]

    def _faults_of(self, worker: Worker) -> list[Fault]:
        return [
            Fault(f"{worker.name}: kill -9", worker.kill, worker.start),
            Fault(
                f"{worker.name}: SIGSTOP",
                lambda: worker.signal(signal.SIGSTOP),
                lambda: worker.signal(signal.SIGCONT),
            ),
            *_faults_of_line(worker.name, worker.proxy),
        ]

    async def _second_owner(self) -> None:
        """It has to be refused, and to leave no trace."""
        bus, name = Bus(clock=self.clock), "second"
        transport = RedisTransport(self._server.url, name, prefix=self._prefix, alive_s=ALIVE_S)

        def node() -> Node:
            return describe(bus, REGISTRY, name=name, token="2", version="1", services=(), sessions=_SESSIONS)

        link = Link(bus, transport, REGISTRY, node, Stamp("link", self.clock, id_source("second-")), returns=False)
        try:
            async with asyncio.timeout(ALIVE_S):
                await link.run()
        except* SessionTaken:
            pass
        except* TimeoutError:
            self.tally.twice.append("owner of the conversations")
        finally:
            await transport.close()

    async def _nothing(self) -> None:
        pass

    async def _kill_redis(self) -> None:
        await asyncio.to_thread(self._server.kill)

    async def _start_redis(self) -> None:
        await asyncio.to_thread(self._server.start)

    def _redis_signal(self, number: signal.Signals) -> Callable[[], Coroutine[Any, Any, None]]:
        async def send() -> None:
            self._server.signal(number)

        return send

    def _redis_full(self, *, full: bool) -> Callable[[], Coroutine[Any, Any, None]]:
        def limit() -> None:
            with redis.Redis.from_url(self._server.url) as client:
                client.config_set("maxmemory", "1" if full else "0")

        async def apply() -> None:
            await asyncio.to_thread(limit)

        return apply

    async def _jump(self) -> None:
        self.clock.off_ns += 3_600_000_000_000

    async def strike(self, fault: Fault, dice: random.Random, turns: int) -> None:
        """Hold turns while the fault comes, lasts and is mended; at least so many."""
        self.tally.faults[fault.name] += 1
        mended = asyncio.Event()
        holding = asyncio.create_task(self._hold(turns, mended))
        await asyncio.sleep(dice.uniform(0, 0.05))
        await fault.strike()
        await asyncio.sleep(dice.uniform(0.05, 2 * ALIVE_S))
        await fault.mend()
        mended.set()
        await holding

    async def _hold(self, turns: int, mended: asyncio.Event) -> None:
        while turns > 0 or not mended.is_set():
            await self.turn()
            turns -= 1
            await asyncio.sleep(_PACE_S)

    async def takeover(self) -> float:
        """Kill the worker that has a request; return the seconds until the other one has answered it."""
        question = self.ask(0, _SESSIONS[0])
        server = self.workers[self.link.server_of(question)]
        await server.signal(signal.SIGSTOP)
        waiting = self._open[question.id] = asyncio.get_running_loop().create_future()
        self.bus.publish(question)
        await self.transport.flushed()
        began = time.perf_counter()
        await server.kill()
        async with asyncio.timeout(30):
            assert await waiting == "answered"
        took = time.perf_counter() - began
        await server.start()
        async with asyncio.timeout(60):
            while not set(_WORKERS) <= self.link.nodes.keys():
                await asyncio.sleep(0.02)
        return took

    # ---- the end

    async def settle(self) -> Tally:
        """Let everything come to rest, and add up."""
        kept = self._folder / TextEntered.kind
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                while set(self._entered) - await asyncio.to_thread(_names, kept):
                    await asyncio.sleep(0.05)
        missing = set(self._entered) - await asyncio.to_thread(_names, kept)
        self.tally.lost += [f"text {name}" for name in sorted(missing)]
        self.tally.repeated = len(await asyncio.to_thread(_names, self._folder / "again"))
        for ledger in self.bus.stats():
            if ledger.offered != ledger.delivered + ledger.dropped + ledger.stale + ledger.queued:
                self.tally.unbalanced.append(ledger.name)
        return self.tally


def _faults_of_line(name: str, proxy: Proxy) -> list[Fault]:
    """What can be done to somebody's connection."""

    async def cut() -> None:
        proxy.cut()

    async def stall() -> None:
        proxy.stall()

    async def slow() -> None:
        proxy.delay_s = 0.02

    async def well() -> None:
        proxy.delay_s = 0.0
        proxy.flow()

    return [
        Fault(f"{name}: connection cut", cut, well),
        Fault(f"{name}: connection stalled", stall, well),
        Fault(f"{name}: slow network", slow, well),
    ]


def _names(folder: Path) -> set[str]:
    return {place.name for place in folder.iterdir()} if folder.exists() else set()


@contextlib.asynccontextmanager
async def chaos(*options: str, disk: Path | None = None) -> AsyncIterator[Chaos]:
    """A conversation, two workers, a Redis, and a proxy for each of them; all of it gone afterwards.

    `options` are redis-server's own, `disk` is where it keeps its log.
    """
    async with contextlib.AsyncExitStack() as stack:
        server = await asyncio.to_thread(stack.enter_context, redis_server(*options, folder=disk))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotto-chaos-")))
        (folder / "again").mkdir()
        proxies = {name: await stack.enter_async_context(Proxy(server.socket)) for name in ("home", *_WORKERS)}
        world = Chaos(server, proxies, folder)
        linking = asyncio.create_task(world.link.run(), name="home")
        try:
            await asyncio.gather(*(worker.start() for worker in world.workers.values()))
            async with asyncio.timeout(60):
                while not set(_WORKERS) <= world.link.nodes.keys():
                    await asyncio.sleep(0.02)
            yield world
        finally:
            for worker in world.workers.values():
                await worker.kill()
            linking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await linking
            await world.transport.close()
