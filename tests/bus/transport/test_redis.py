"""What the transport says of a Redis that will not do, and what its log keeps."""

from __future__ import annotations

import asyncio

import pytest

from bus.transport import BusUnfit, BusUnreachable, NameTaken, Node, Parcel, RedisTransport
from tests.kit.redis_server import RedisServer, redis_server


def node(name: str, token: str = "1") -> Node:
    return Node(name=name, token=token, version="1", services=(), serves=(), wants={}, sessions=())


async def refused(url: str, prefix: str = "p") -> str:
    transport = RedisTransport(url, "here", prefix=prefix)
    with pytest.raises((BusUnfit, BusUnreachable)) as caught:
        await transport.open()
    await transport.close()
    return str(caught.value)


async def test_nobody_there(tmp_path) -> None:
    assert "cannot be reached" in await refused(f"unix://{tmp_path}/none.sock")


def test_no_url_of_a_redis() -> None:
    with pytest.raises(BusUnreachable, match="redis://HOST:6379"):
        RedisTransport("http://secret:word@host", "here")


async def test_a_wrong_password_is_told_without_showing_it() -> None:
    with redis_server() as server:
        with server.client() as client:
            client.config_set("requirepass", "right")
        told = await refused(server.url.replace("unix://", "unix://:wrong@"))
    assert "refuses" in told
    assert "wrong" not in told.replace("wrong username-password pair", "")


async def test_a_redis_that_throws_keys_away_is_refused() -> None:
    with redis_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        assert "maxmemory-policy allkeys-lru" in await refused(server.url)


async def test_a_key_of_another_program_is_left_alone(server: RedisServer, prefix: str) -> None:
    with server.client() as client:
        client.set(f"{prefix}:to:here", "theirs")
        assert "belongs to another program" in await refused(server.url, prefix)
        assert client.get(f"{prefix}:to:here") == b"theirs"


async def test_a_living_process_s_name_is_not_taken(server: RedisServer, prefix: str) -> None:
    """The same process may say again that it lives."""
    transport = RedisTransport(server.url, "here", prefix=prefix)
    await transport.announce(node("here", "1"))
    await transport.announce(node("here", "1"))
    with pytest.raises(NameTaken, match="--name"):
        await transport.announce(node("here", "2"))
    await transport.close()


async def test_only_what_is_settled_is_forgotten(server: RedisServer, prefix: str) -> None:
    """What a process still works on stays in its log, wherever it stands there."""
    here, there = (RedisTransport(server.url, name, prefix=prefix) for name in ("here", "there"))
    for transport in (here, there):
        await transport.open()
    sending = [asyncio.create_task(transport.keep_sending()) for transport in (here, there)]
    for number in range(300):
        here.send(Parcel(b"{%d}" % number, to=("there",)))
    await here.flushed()
    got: list[Parcel] = []
    async with asyncio.timeout(60):
        async for parcels, _ in there.receive():
            got += parcels
            if len(got) == 300:
                break
        for parcel in got[:100] + got[101:]:
            there.settle(parcel.entry)
        with server.client() as client:
            while (left := client.xrange(f"{prefix}:to:there")) and len(left) > 1:
                await asyncio.sleep(0.01)
    assert [parcel.header for parcel in got] == [b"{%d}" % number for number in range(300)]
    assert [entry for entry, _ in left] == [got[100].entry]
    for task in sending:
        task.cancel()
    for transport in (here, there):
        await transport.close()
