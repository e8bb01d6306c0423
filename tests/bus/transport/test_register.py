"""A value that several processes keep together: nobody writes over what he has not read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bus.transport import BusUnfit, Outdated, Register
from tests.kit.proxy import Proxy
from tests.kit.redis_server import RedisServer, redis_server


@contextlib.asynccontextmanager
async def registers(*urls: str, prefix: str) -> AsyncIterator[list[Register]]:
    made = [Register(url, "alarms", prefix=prefix) for url in urls]
    try:
        yield made
    finally:
        for register in made:
            await register.close()


async def test_who_has_not_read_the_latest_is_refused(server: RedisServer, prefix: str) -> None:
    async with registers(server.url, server.url, prefix=prefix) as (here, there):
        assert (await here.read()).number == 0
        assert await here.write(b"one", 0) == 1
        with pytest.raises(Outdated):
            await there.write(b"other", 0)
        found = await there.read()
        assert (found.number, found.value) == (1, b"one")
        assert await there.write(b"two", 1) == 2
    with server.client() as client:
        assert client.xlen(f"{prefix}:alarms") == 1


async def test_of_those_who_write_at_once_one_succeeds(server: RedisServer, prefix: str) -> None:
    async with registers(*[server.url] * 5, prefix=prefix) as all_of_them:
        writing = [register.write(b"%d" % number, 0) for number, register in enumerate(all_of_them)]
        came = await asyncio.gather(*writing, return_exceptions=True)
        assert sorted(map(str, came)) == ["", "", "", "", "1"]


async def test_whoever_waits_hears_of_the_next_one(server: RedisServer, prefix: str) -> None:
    async with registers(server.url, server.url, prefix=prefix) as (here, there):
        waiting = asyncio.create_task(there.other(1))
        await here.write(b"one", 0)
        await here.write(b"two", 1)
        await waiting
        assert (await there.read()).value == b"two"


async def test_a_writing_whose_answer_was_lost_is_known_again(server: RedisServer, prefix: str) -> None:
    """The line breaks after Redis had it: the second attempt finds its own."""
    async with Proxy(server.socket) as proxy, registers(f"redis://{proxy.address}", prefix=prefix) as (register,):
        away: list[str] = []
        register.away = away.append
        await register.read()
        proxy.delay_s = 0.2
        writing = asyncio.create_task(register.write(b"one", 0))
        with server.client() as client:
            while not client.exists(f"{prefix}:alarms"):
                await asyncio.sleep(0.005)
        proxy.cut()
        assert await writing == 1
        assert len(away) == 1


async def test_whoever_waits_hears_when_it_was_forgotten(prefix: str) -> None:
    """A Redis that was killed knows what it had written down, if that."""
    with redis_server("--appendonly", "no") as server:
        async with registers(server.url, prefix=prefix) as (register,):
            await register.write(b"one", await register.write(b"none", 0))
            waiting = asyncio.create_task(register.other(2))
            with server.client() as client:
                while not client.info("clients")["blocked_clients"]:
                    await asyncio.sleep(0.01)
            server.kill()
            server.start()
            await waiting
            assert (await register.read()).number == 0
            assert await register.write(b"one", 2) == 3


async def test_a_key_of_another_program_is_left_alone(server: RedisServer, prefix: str) -> None:
    with server.client() as client:
        client.set(f"{prefix}:alarms", "theirs")
    async with registers(server.url, prefix=prefix) as (register,):
        with pytest.raises(BusUnfit):
            await register.read()
