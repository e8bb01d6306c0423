"""The link service: what it says while there is no Redis, and how it leaves without losing anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from bus import Bus, Mailbox
from services.link import LinkService, LinkSettings, living
from services.testing import running
from shared.events import LlmRequest, LlmResponse, MemoryQuery, ServiceDegraded, ServiceReady
from tests.bus.conftest import Make
from tests.bus.transport.conftest import Household, watch
from tests.kit.redis_server import RedisServer, redis_server


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running_:
        yield running_


@pytest.fixture
async def household(server: RedisServer) -> AsyncIterator[Household]:
    home = Household(server.url, "sotto")
    yield home
    for process in home.processes:
        process.task.cancel()
        await asyncio.wait([process.task])
        await process.transport.close()


def settings(url: str, **about: Any) -> LinkSettings:
    return LinkSettings.model_validate({"url": url, "alive_s": 30.0, "beat_s": 0.05, **about})


async def test_without_redis_it_says_what_is_wrong_and_links_when_it_is_there(server: RedisServer) -> None:
    """The conversation goes on meanwhile; the password is shown to nobody."""
    server.kill()
    url = server.url.replace("unix://", "unix://:sesame@")
    with structlog.testing.capture_logs() as logs:
        async with running(LinkService(settings(url), ("llm",)), wait_ready=False) as bench:
            degraded = await bench.next(ServiceDegraded)
            assert "cannot be reached" in degraded.reason
            server.start()
            with server.client() as client:
                client.config_set("requirepass", "sesame")
            await bench.next(ServiceReady, timeout=60)
            assert not [event for event in bench.log if "sesame" in event.model_dump_json()]
    assert "sesame" not in str(logs)


async def test_a_worker_that_drains_ends_what_it_has_and_gets_no_more(
    server: RedisServer, household: Household
) -> None:
    """What is asked meanwhile waits for the next one: a worker is replaced without a sentence lost."""
    make = Make()
    bus = Bus()
    answers = watch(bus, LlmResponse)
    home = household.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    there = Bus()
    box = Mailbox(there, there.subscribe(LlmRequest, name="llm"))
    link = LinkService(settings(server.url, name="old"), ("llm",))
    async with running(link, bus=there):
        await home.knows("old")
        first, second = make.request(), make.request()
        bus.publish(first)
        async with asyncio.timeout(30):
            assert await anext(box) == first
        draining = asyncio.create_task(link.drain(60))
        async with asyncio.timeout(30):
            while home.link.nodes["old"].serves:
                await asyncio.sleep(0.01)
        bus.publish(second)
        new = Bus()
        other = Mailbox(new, new.subscribe(LlmRequest, name="llm"))
        household.start("new", bus=new, services=("llm",))
        async with asyncio.timeout(30):
            assert await anext(other) == second
        assert not draining.done()
        there.publish(make.answer(first))
        handling = asyncio.ensure_future(anext(box))  # the first is handled now
        async with asyncio.timeout(30):
            assert (await anext(answers)).cause == first.id
            assert await draining
        handling.cancel()


async def test_a_second_memory_is_told_who_keeps_it(server: RedisServer) -> None:
    """And takes no part meanwhile."""
    first = LinkService(settings(server.url, name="attic"), ("memory",), keeps=("memory",))
    second = LinkService(settings(server.url, name="cellar"), ("memory",), keeps=("memory",))
    async with running(first), running(second, wait_ready=False) as bench:
        degraded = await bench.next(ServiceDegraded)
        assert "attic keeps the memory" in degraded.reason
        assert set(await living(settings(server.url))) == {"attic"}


async def test_a_conversation_s_memory_is_asked_by_nobody_else(server: RedisServer, household: Household) -> None:
    """What it does for others it does still."""
    home = household.start("home", services=("dialogue",), sessions=("s",))
    there = Bus()
    there.subscribe(MemoryQuery, name="memory")
    there.subscribe(LlmRequest, name="llm")
    desk = LinkService(settings(server.url, name="desk"), ("memory", "llm"), ("t",), keeps=("memory",))
    async with running(desk, bus=there):
        await home.knows("desk")
        assert home.link.nodes["desk"].serves == ("llm.request",)


async def test_what_does_not_end_in_time_is_told(server: RedisServer, household: Household) -> None:
    """It stays in the worker's log, for its next life."""
    make, there = Make(), Bus()
    box = Mailbox(there, there.subscribe(LlmRequest, name="llm"))
    link = LinkService(settings(server.url, name="old"), ("llm",))
    home = household.start("home", sessions=("s",))
    async with running(link, bus=there):
        await home.knows("old")
        home.bus.publish(request := make.request())
        async with asyncio.timeout(30):
            assert await anext(box) == request
        await home.end()  # or it would tell the worker's next life that this one ended
        assert not await link.drain(0.1)
    with server.client() as client:
        assert client.xlen("sotto:to:old") == 1
