"""Workers on two machines keep one book: whoever of them is killed or stopped in its midst, a timer is set once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bus import Bus, Link, Overflow, describe
from bus.transport import Node, RedisTransport, Register
from services.skills.ringing import AlarmsDamaged, HouseClock, Kept, SharedShelf
from shared.clock import SystemClock
from shared.events import REGISTRY, AlarmRang, SkillsRegistered, Stamp, ToolCall, ToolResult
from shared.ids import id_source
from tests.kit.redis_server import redis_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

_ROOT = Path(__file__).resolve().parents[3]
_ALIVE_S = 1.0
_SESSIONS = tuple(f"s{number}" for number in range(32))


class Home:
    """The conversations' process."""

    def __init__(self, url: str) -> None:
        clock, ids = SystemClock(), id_source("home-")
        self.url = url
        self._bus = Bus(clock=clock, ids=ids)
        self._transport = RedisTransport(url, "home", prefix="test", alive_s=_ALIVE_S)
        self._link = Link(self._bus, self._transport, REGISTRY, self._node, Stamp("link", clock, ids), beat_s=0.1)
        self._stamp = Stamp("person", clock, ids, "s0")
        self._calls = self._bus.subscribe(ToolResult, SkillsRegistered, overflow=Overflow.DROP_OLDEST)
        self._rings = self._bus.subscribe(AlarmRang, overflow=Overflow.DROP_OLDEST)
        self._processes: list[asyncio.subprocess.Process] = []

    def _node(self) -> Node:
        return describe(self._bus, REGISTRY, name="home", token="1", version="1", services=(), sessions=_SESSIONS)

    async def __aenter__(self) -> Home:
        self._task = asyncio.create_task(self._link.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._transport.close()

    async def worker(self, name: str, *struck: str) -> asyncio.subprocess.Process:
        """Start one, and wait until it can be asked."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.services.skills.worker"),
            *(self.url, name, "test", str(_ALIVE_S), *struck),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self._processes.append(process)
        async with asyncio.timeout(60):
            while not isinstance(await anext(self._calls), SkillsRegistered):
                pass
        return process

    async def call(self, sentence: str, server: str) -> ToolCall:
        """A call that this worker gets; on a busy machine it may be taken for dead for a moment."""
        async with asyncio.timeout(60):
            while True:
                for session in _SESSIONS:
                    fields = {"sentence": sentence, "name": "", "arguments": {}, "language": "en", "turn": 1}
                    call = self._stamp(ToolCall, **fields, session=session)
                    if self._link.server_of(call) == server:
                        return call
                await asyncio.sleep(0.05)

    async def asked(self, call: ToolCall) -> ToolResult:
        """Its only result, so far."""
        self._bus.publish(call)
        async with asyncio.timeout(60):
            while not isinstance(result := await anext(self._calls), ToolResult):
                pass
        assert result.cause == call.id
        return result

    async def rung(self, count: int) -> list[tuple[str, int]]:
        async with asyncio.timeout(60):
            rings = [await anext(self._rings) for _ in range(count)]
        return [(ring.alarm, ring.attempt) for ring in rings]

    async def book(self) -> Kept:
        """What stands in the register."""
        register = Register(self.url, "alarms", prefix="test")
        try:
            return Kept.model_validate_json((await register.read()).value)
        finally:
            await register.close()


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    with redis_server() as server:
        async with Home(server.url) as home:
            yield home


@pytest.mark.parametrize(("struck", "when"), [("SIGKILL", "after"), ("SIGSTOP", "after"), ("SIGSTOP", "before")])
async def test_a_timer_is_set_and_rings_once_though_two_workers_were_at_it(home: Home, struck: str, when: str) -> None:
    """One is struck between the effect and its acknowledgement, or just before the effect, and comes back later."""
    left = await home.worker("left", struck, when)
    await home.worker("right")
    call = await home.call("set a timer for two seconds", "left")
    assert (await home.asked(call)).speech == "Timer set for 2 seconds."
    if struck == "SIGKILL":
        await left.wait()
        await home.worker("left")
    else:
        left.send_signal(signal.SIGCONT)
    assert await home.rung(2) == [(call.id, 1), (call.id, 2)]
    assert (await home.asked(await home.call("how many timers do i have", "right"))).cause != call.id
    async with asyncio.timeout(60):
        while (await home.book()).alarms:
            await asyncio.sleep(0.1)


async def test_what_one_has_set_the_other_one_knows(home: Home) -> None:
    """A worker that is gone for good takes no timer with it."""
    left = await home.worker("left")
    await home.worker("right")
    await home.asked(await home.call("set a pasta timer for ten minutes", "left"))
    await home.asked(await home.call("set a tea timer for one hour", "right"))
    left.kill()
    await left.wait()
    assert (await home.asked(await home.call("cancel the pasta timer", "right"))).data["timers"]
    assert [alarm.name for alarm in (await home.book()).alarms] == ["tea"]


async def test_a_book_that_cannot_be_read_is_named_and_left_as_it_is(home: Home) -> None:
    register, thread = Register(home.url, "alarms", prefix="test"), ThreadPoolExecutor(1)
    await register.write(b'{"alarms": "egg"}', 0)
    with pytest.raises(AlarmsDamaged, match="test:alarms"):
        await SharedShelf(register, HouseClock(SystemClock()), thread).load()
    assert (await register.read()).value == b'{"alarms": "egg"}'
    await register.close()
    thread.shutdown()
