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
        client.set(f"{prefix}:events", "theirs")
        assert "belongs to another program" in await refused(server.url, prefix)
        assert client.get(f"{prefix}:events") == b"theirs"


async def test_a_living_process_s_name_is_not_taken(server: RedisServer, prefix: str) -> None:
    """The same process may say again that it lives."""
    transport = RedisTransport(server.url, "here", prefix=prefix)
    await transport.announce(node("here", "1"))
    await transport.announce(node("here", "1"))
    with pytest.raises(NameTaken, match="--name"):
        await transport.announce(node("here", "2"))
    await transport.close()


async def test_only_what_everybody_settled_is_trimmed(server: RedisServer, prefix: str) -> None:
    """An entry that one process still works on stays, and all after it."""
    here, there = (RedisTransport(server.url, name, prefix=prefix) for name in ("here", "there"))
    for transport in (here, there):
        await transport.open()
        await transport.announce(node(transport.name))
    sending = [asyncio.create_task(transport.keep_sending()) for transport in (here, there)]
    for number in range(300):
        here.send(Parcel(b"{%d}" % number, to=("there",)))
    await here.flushed()
    got: list[Parcel] = []
    reading = asyncio.create_task(_read_past(here))
    async with asyncio.timeout(60):
        async for parcel in there.receive():
            got.append(parcel)
            if len(got) == 300:
                break
        for parcel in got[:250]:
            there.settle(parcel.entry)
        with server.client() as client:
            while client.xlen(f"{prefix}:events") == 300:
                await here.trim()
            entries = [entry for entry, _ in client.xrange(f"{prefix}:events")]
    assert [parcel.header for parcel in got] == [b"{%d}" % number for number in range(300)]
    assert set(entries) >= {parcel.entry for parcel in got[250:]}
    for task in (*sending, reading):
        task.cancel()
    for transport in (here, there):
        await transport.close()


async def _read_past(transport: RedisTransport) -> None:
    """Nothing in the log is for it."""
    async for parcel in transport.receive():
        raise AssertionError(parcel)
