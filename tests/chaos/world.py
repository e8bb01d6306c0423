"""Conversations in this process, workers in others, a Redis between them, and the account of what became of it all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bus import Bus, Link, Overflow, describe
from bus.transport import Node, RedisTransport
from services.skills.ringing import Kept
from shared.events import (
    REGISTRY,
    AlarmRang,
    Event,
    LlmDelta,
    LlmRequest,
    ServiceCrashed,
    Stamp,
    TextEntered,
    ToolResult,
    TtsAudio,
)
from shared.ids import id_source
from tests.chaos.clock import JumpingClock
from tests.chaos.parts import PARTS
from tests.chaos.targets import ALIVE_S, PREFIX, Conversation, Lines, Server, Target, Worker
from tests.kit.redis_server import RedisServer, SmallDisk, redis_server

__all__ = ["ALIVE_S", "Tally", "World", "chaos"]

_PACE_S = 0.02
_PATIENCE_S = 60.0
_SESSIONS = tuple(f"s{number}" for number in range(8))
"""Conversations, so that each worker has some."""
_ALL = "all-in-one"
_WORKERS = {**{name: (name,) for name in PARTS}, _ALL: tuple(PARTS)}
"""What each process runs: each service has two."""
_REPLIES = tuple(REGISTRY.latest(kind) for part in PARTS.values() for kind in part.consumes[0].replies)


@dataclass
class Tally:
    """What became of everything."""

    turns: int = 0
    requests: int = 0
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: int = 0
    apologies: int = 0
    """Requests that ended with a crash that the person was told of."""
    lost: list[str] = field(default_factory=list)
    """Requests neither answered nor told as lost, texts not kept, facts not there, timers that did not ring."""
    twice: list[str] = field(default_factory=list)
    """Answers, words, pieces of sound or rings that came twice."""
    repeated: int = 0
    """Effects that were begun again, and were found done."""
    unbalanced: list[str] = field(default_factory=list)
    """Ledgers that do not add up, and what is left in the logs when all is done."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(ours + theirs for ours, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))


class World:
    """See the module. Made by `chaos`."""

    def __init__(self, server: RedisServer, disk: SmallDisk | None, lines: Lines, folder: Path) -> None:
        self.tally = Tally()
        clock, ids = JumpingClock(), id_source("home-")
        self._server, self._folder = server, folder
        self._bus = Bus(clock=clock, ids=ids)
        self._stamp = Stamp("person", clock, ids, "s")
        self._transport = RedisTransport(lines.address("home"), "home", prefix=PREFIX, alive_s=ALIVE_S)
        self._link = Link(self._bus, self._transport, REGISTRY, self._node, Stamp("link", clock, ids), beat_s=0.1)
        self._workers = {name: Worker(lines, name, services, folder) for name, services in _WORKERS.items()}
        self.targets: Mapping[str, Target] = {
            **self._workers,
            "conversation": Conversation(lines, "home", clock, _SESSIONS),
            "redis": Server(lines, ("home", *_WORKERS), server, disk),
        }
        self._open: dict[str, tuple[str, asyncio.Future[str]]] = {}
        """Who is waited for, by request."""
        self._answered: Counter[str] = Counter()
        self._heard: dict[str, int] = {}
        """The last word or sample of each streamed answer."""
        self._entered: set[str] = set()
        self._effects: set[str] = set()
        self._timers: set[str] = set()
        """Those that were said to be set."""
        self._rung: set[tuple[str, int]] = set()
        self._bus.tap(self._saw)
        self._watching = self._bus.subscribe(
            *_REPLIES, LlmDelta, TtsAudio, AlarmRang, ServiceCrashed, capacity=100_000, overflow=Overflow.DROP_OLDEST
        )

    def _node(self) -> Node:
        return describe(
            self._bus, REGISTRY, name="home", token="1", version="1", services=("dialogue",), sessions=_SESSIONS
        )

    def _saw(self, event: Event) -> None:
        match event:
            case LlmDelta():
                self._streamed(event, event.index)
            case TtsAudio():
                self._streamed(event, event.first_sample)
            case AlarmRang():
                if (event.alarm, event.attempt) in self._rung:
                    self.tally.twice.append(f"ring {event.attempt} of {event.alarm}")
                self._rung.add((event.alarm, event.attempt))
            case ServiceCrashed():
                for request, (service, _) in tuple(self._open.items()):
                    if service == event.service:
                        self._end(request, "apology")
            case _ if isinstance(event, _REPLIES):
                if isinstance(event, ToolResult) and event.outcome == "answered":
                    self._timers.add(event.cause or "")
                self._end(event.cause or "", "answered")

    def _streamed(self, piece: Event, position: int) -> None:
        request = piece.cause or ""
        if position <= self._heard.get(request, -1):
            self.tally.twice.append(f"{piece.kind} {position} of {request}")
        self._heard[request] = position

    def _end(self, request: str, how: str) -> None:
        self._answered[request] += how == "answered"
        if self._answered[request] > 1:
            self.tally.twice.append(f"answer to {request}")
        _, waiting = self._open.pop(request, ("", None))
        if waiting is not None and not waiting.done():
            waiting.set_result(how)

    # ---- turns

    async def turn(self) -> None:
        """A text for everybody, and a question to each service: every one is answered, or the person was told."""
        self.tally.turns += 1
        number = self.tally.turns
        about = {"turn": number, "session": _SESSIONS[number % len(_SESSIONS)]}
        text = self._stamp(TextEntered, text=str(number), speak=False, **about)
        self._entered.add(text.id)
        self._bus.publish(text)
        requests = [
            (name, self._stamp(part.consumes[0], **part.asked(number), **about)) for name, part in PARTS.items()
        ]
        await asyncio.gather(*(self._asked(service, request) for service, request in requests))

    async def _asked(self, service: str, request: Event) -> None:
        self.tally.requests += 1
        waiting = asyncio.get_running_loop().create_future()
        self._open[request.id] = service, waiting
        self._bus.publish(request)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                how = await waiting
        except TimeoutError:
            self.tally.lost.append(f"{request.kind} of turn {request.turn}")
            return
        self.tally.answered += how == "answered"
        self.tally.apologies += how == "apology"
        if PARTS[service].effect and how == "answered":
            self._effects.add(request.id)

    # ---- faults

    async def strike(self, target: str, fault: str, dice: random.Random, *, turns: int, stop_s: float) -> None:
        """Hold turns while the fault comes, lasts and is mended; at least so many."""
        self.tally.faults[target, fault] += 1
        lasts_s = stop_s if fault == "stop" else dice.uniform(0.05, 2 * ALIVE_S)
        over = asyncio.Event()
        holding = asyncio.create_task(self._hold(turns, over))
        await asyncio.sleep(dice.uniform(0, 0.05))
        await self.targets[target].struck(fault, lasts_s)
        over.set()
        await holding

    async def _hold(self, turns: int, over: asyncio.Event) -> None:
        while turns > 0 or not over.is_set():
            await self.turn()
            turns -= 1
            await asyncio.sleep(_PACE_S)

    async def takeover(self) -> float:
        """Kill the worker that has a question to the model; return the seconds until another one has answered it."""
        fields = PARTS["llm"].asked(0)
        question = self._stamp(LlmRequest, **fields, turn=0, session=_SESSIONS[0])
        server = self._workers[self._link.server_of(question)]
        server.signal(signal.SIGSTOP)
        waiting = asyncio.get_running_loop().create_future()
        self._open[question.id] = "llm", waiting
        self._bus.publish(question)
        await self._transport.flushed()
        began = time.perf_counter()
        await server.end()
        async with asyncio.timeout(_PATIENCE_S):
            assert await waiting == "answered"
        took = time.perf_counter() - began
        await server.start()
        await self._met()
        return took

    # ---- the beginning and the end

    async def open(self) -> None:
        """Start the workers, and meet them."""
        self._linking = asyncio.create_task(self._link.run(), name="home")
        for worker in self._workers.values():
            await worker.start()
        await self._met()

    async def close(self) -> None:
        """End them."""
        for worker in self._workers.values():
            await worker.end()
        self._linking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._linking
        await self._transport.close()

    async def _met(self) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not self._workers.keys() <= self._link.nodes.keys():
                await asyncio.sleep(0.02)

    async def settle(self) -> Tally:
        """Let everything come to rest, and add up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while self._not_kept() or self._left_over():
                    await asyncio.sleep(0.1)
        self.tally.lost += self._not_kept()
        self.tally.repeated = len(_names(self._folder / "again"))
        self.tally.unbalanced += self._left_over()
        ledgers = [asdict(ledger) for ledger in self._bus.stats()]
        for worker in self._workers.values():
            await worker.finish()
            ledgers += json.loads((self._folder / f"{worker.name}.json").read_text())
        self.tally.unbalanced += [ledger["name"] for ledger in ledgers if not _adds_up(ledger)]
        return self.tally

    def _not_kept(self) -> list[str]:
        missing = [
            f"text {text} at {worker}"
            for worker in self._workers
            for text in sorted(self._entered - _names(self._folder / "texts" / worker))
        ]
        return missing + [
            f"effect of {request}" for request in sorted(self._effects - _names(self._folder / "effects"))
        ]

    def _left_over(self) -> list[str]:
        """Logs of which something is not settled, events that were given up, timers that are still set."""
        with self._server.client() as client:
            keys = {key.decode() for key in client.scan_iter(f"{PREFIX}:*", _type="stream")}
            (book,) = client.xrevrange(f"{PREFIX}:alarms", count=1)
            logs = [f"{key}: {left} left" for key in keys - {f"{PREFIX}:alarms"} if (left := client.xlen(key))]
        return logs + [f"timer {alarm.id} set" for alarm in Kept.model_validate_json(book[1][b"v"]).alarms]


def _adds_up(ledger: Mapping[str, Any]) -> bool:
    return bool(ledger["offered"] == sum(ledger[part] for part in ("delivered", "dropped", "stale", "queued")))


def _names(folder: Path) -> set[str]:
    return {place.name for place in folder.iterdir()} if folder.exists() else set()


@contextlib.asynccontextmanager
async def chaos(*options: str, disk: SmallDisk | None = None) -> AsyncIterator[World]:
    """All of it, gone afterwards. `options` are redis-server's own, `disk` is where it keeps its log."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(redis_server(*options, folder=disk.folder if disk is not None else None))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotto-chaos-")))
        lines = stack.enter_context(Lines(server, ("home", *_WORKERS)))
        world = World(server, disk, lines, folder)
        try:
            await world.open()
            yield world
        finally:
            await world.close()
