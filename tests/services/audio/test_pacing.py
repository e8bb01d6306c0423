"""How fast files go: in real time by an absolute schedule, or as fast as everybody keeps up."""

from __future__ import annotations

import asyncio

import pytest

from bus import Bus, Overflow
from services.audio.pacing import KeepingUp, RealTime, everyone_up
from shared.clock import SystemClock
from shared.events import AudioStop, ServiceFailed, ServiceReady, ServiceStarting, Stamp, TtsFinished, TtsRequest
from shared.ids import id_source


@pytest.fixture
def stamp() -> Stamp:
    return Stamp("test", SystemClock(), id_source("t-"), "test")


def request(stamp: Stamp, turn: int = 1) -> TtsRequest:
    return stamp(TtsRequest, turn=turn, reply="r", clause=0, text="hello", language="en", voice="", last=True)


@pytest.mark.looptime
async def test_real_time_is_a_frame_every_20_ms() -> None:
    """Fifty frames take one second; what is late is made up for."""
    loop = asyncio.get_running_loop()
    pace = RealTime()
    begun = loop.time()
    for _ in range(25):
        await pace.tick()
    await asyncio.sleep(0.1)
    for _ in range(25):
        await pace.tick()
    assert loop.time() - begun == pytest.approx(1.0, abs=1e-6)


@pytest.mark.looptime
async def test_a_long_standstill_is_not_made_up_for() -> None:
    """A machine that slept goes on at once, in real time."""
    loop = asyncio.get_running_loop()
    pace = RealTime()
    await pace.tick()
    await asyncio.sleep(3600)
    begun = loop.time()
    for _ in range(50):
        await pace.tick()
    assert loop.time() - begun == pytest.approx(1.0, abs=1e-6)


async def test_a_file_begins_when_every_service_is_up(stamp: Stamp) -> None:
    """Whoever is still starting would miss its first words; one that fails to start holds nobody up."""
    bus = Bus()
    for name in ("listening", "stt"):
        bus.publish(stamp(ServiceStarting, service=name))
    waiting = asyncio.create_task(everyone_up(bus))
    bus.publish(stamp(ServiceReady, service="listening"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish(stamp(ServiceFailed, service="stt", error="no engine", restarts=3))
    await asyncio.wait_for(waiting, 5)


async def test_time_stands_still_while_a_request_is_unanswered(stamp: Stamp) -> None:
    """The next frame is due only when the answer has come."""
    bus = Bus()
    pace = KeepingUp(bus)
    asked = request(stamp)
    bus.publish(asked)
    tick = asyncio.create_task(pace.tick())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not tick.done()
    answer = stamp(TtsFinished, reply="r", clause=0, samples=0, rate=16_000, engine="x", synthesis_ns=0)
    bus.publish(answer.model_copy(update={"cause": asked.id}))
    await asyncio.wait_for(tick, 5)
    pace.close()


async def test_a_fenced_request_holds_nobody_up(stamp: Stamp) -> None:
    """Its answer will never come."""
    bus = Bus()
    pace = KeepingUp(bus)
    bus.publish(request(stamp, turn=1))
    bus.fence("test", 2)
    await asyncio.wait_for(pace.tick(), 5)
    pace.close()


async def test_a_reader_that_is_behind_is_waited_for(stamp: Stamp) -> None:
    """Frames are not pushed out of anybody's queue by going fast."""
    bus = Bus()
    pace = KeepingUp(bus)
    reader = bus.subscribe(AudioStop, name="reader", capacity=32, overflow=Overflow.DROP_OLDEST)

    async def read() -> None:
        async for _ in reader:
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    for _ in range(500):
        bus.publish(stamp(AudioStop, reply=""))
        bus.publish(stamp(AudioStop, reply=""))
        await pace.tick()
    assert reader.dropped == 0
    reader.close()
    await reading
    pace.close()


async def test_a_reader_that_never_reads_holds_nobody_up(stamp: Stamp) -> None:
    """A queue that does not move is left to its overflow policy."""
    bus = Bus()
    pace = KeepingUp(bus)
    bus.subscribe(AudioStop, name="dead", capacity=1000, overflow=Overflow.DROP_OLDEST)
    for _ in range(100):
        bus.publish(stamp(AudioStop, reply=""))
        await asyncio.wait_for(pace.tick(), 5)
    pace.close()
