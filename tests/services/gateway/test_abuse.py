"""What clients do that nobody should: broken frames, huge ones, never reading, many at once. Others notice nothing.

With `--long` there are 200 who never read instead of 50.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from shared.events import TextEntered
from tests.services.gateway.conftest import House, open_house
from tests.services.gateway.test_service import HANDSHAKE

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def raw(house: House, query: bytes = b"") -> AsyncIterator[Peer]:
    """An event socket without a client library: bytes in, bytes out. The hello is left to read."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    writer.write(HANDSHAKE.replace(b"/v1/events", b"/v1/events?" + query, 1))
    while (await reader.readline()).strip():
        pass
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def frame(first: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """A WebSocket frame of a client, right or wrong."""
    size = len(payload) if length is None else length
    head = bytes([first]) + (
        bytes([size | masked << 7])
        if size < 126
        else bytes([126 | masked << 7]) + size.to_bytes(2, "big")
        if size < 1 << 16
        else bytes([127 | masked << 7]) + size.to_bytes(8, "big")
    )
    return head + (bytes(4) if masked else b"") + payload


BROKEN = {
    "not masked": frame(0x81, b"hello", masked=False),
    "reserved bits": frame(0xF1, b"hello"),
    "an unknown kind of frame": frame(0x83, b"hello"),
    "a ping too long": frame(0x89, bytes(200)),
    "a continuation of nothing": frame(0x80, b"hello"),
    "a close of one byte": frame(0x88, b"\x03"),
    "a close with a code that is none": frame(0x88, (5).to_bytes(2, "big")),
    "text that is no UTF-8": frame(0x81, b"\xff\xfe\xfd"),
    "one larger than is taken": frame(0x81, bytes(100), length=1 << 40),
    "one that is large": frame(0x82, bytes(200_000)),
    "in many pieces": frame(0x01, b"x") + frame(0x00, b"y") * 2000 + frame(0x80, b"z"),
    "nothing but noise": random.Random(1).randbytes(4096),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_frame_ends_its_own_connection_alone(house: House, broken: bytes) -> None:
    """Another watcher and HTTP go on."""
    async with house.watch("kind=text.entered") as watcher, raw(house) as (reader, writer):
        await watcher.hello()
        writer.write(broken)
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            while await reader.read(65_536):
                pass
        house.bench.publish(TextEntered, text="still here", speak=False)
        assert (await watcher.event())["text"] == "still here"
    assert (await house.client.get("/health")).status_code == 200


async def test_random_bytes_are_survived(house: House) -> None:
    """On a fresh connection and on an open event socket."""
    dice = random.Random(3)
    port = int(house.url.rpartition(":")[2])
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(dice.randbytes(dice.randrange(1, 3000)) + b"\r\n\r\n")
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        writer.transport.abort()
    assert (await house.client.get("/health")).status_code == 200


@pytest.mark.parametrize("target", [b"GET /%00 HTTP/1.1", b"GET /v1/events/../.. HTTP/1.1", b"BREW /health HTTP/1.1"])
async def test_an_odd_request_is_answered_or_cut_off(house: House, target: bytes) -> None:
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(target + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).split(b" ")[1][:1] == b"4"
    writer.close()
    assert (await house.client.get("/health")).status_code == 200


async def test_many_who_never_read_cost_the_others_nothing(request: pytest.FixtureRequest) -> None:
    """Each is owed no more than its backlog; whoever reads misses nothing; the bus delivers as before."""
    idle = 200 if request.config.getoption("--long") else 50
    async with open_house(backlog=100) as house, contextlib.AsyncExitStack() as stack:
        for _ in range(idle):
            await stack.enter_async_context(raw(house, b"kind=text.entered"))
        watcher = await stack.enter_async_context(house.watch("kind=text.entered"))
        await watcher.hello()
        long = "x" * 10_000
        for number in range(2000):  # 20 MB for each of them: far more than sockets hold
            house.bench.publish(TextEntered, text=long, speak=False, turn=number)
            assert (await watcher.event())["turn"] == number
        accounts = (await house.client.get("/v1/stats")).json()["clients"]
    assert len(accounts) == idle + 1
    assert max(account["queued"] for account in accounts) <= 100
    assert all(account["offered"] < 2000 for account in accounts[:-1])  # they were left alone
    assert (accounts[-1]["delivered"], accounts[-1]["dropped"]) == (2000, 0)


async def test_whoever_begins_to_read_is_told_what_it_missed() -> None:
    """By kind; then come the newest, in order."""
    async with open_house(backlog=10) as house, raw(house, b"kind=text.entered") as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        for number in range(5000):
            house.bench.publish(TextEntered, text="x" * 5000, speak=False, turn=number)
            await asyncio.sleep(0)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        heard = b""
        while b'"turn":4999' not in heard:
            heard += await reader.read(1 << 20)
    assert b'{"missed":{"count":' in heard
    assert b'"kinds":{"text.entered":' in heard


async def test_one_watcher_too_many_is_sent_away_in_words() -> None:
    """Until another one leaves; HTTP is open all the while."""
    async with open_house(clients=2) as house, house.watch() as first, house.watch() as second:
        await first.hello()
        await second.hello()
        async with raw(house) as (reader, _):
            assert b'"gateway.clients' in (answer := await reader.read()) or b"Raise gateway.clients" in answer
        assert (await house.client.get("/ready")).status_code == 200
        await first.connection.close()
        while len((await house.client.get("/v1/stats")).json()["clients"]) == 2:
            await asyncio.sleep(0.01)
        async with house.watch() as third:
            await third.hello()
