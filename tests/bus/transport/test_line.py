"""A line answers what it was asked, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from redis import exceptions

from bus.transport.line import Line
from bus.transport.place import close_place, open_place
from tests.kit.redis_server import RedisServer


async def test_what_was_given_up_is_not_taken_for_the_next_answer(server: RedisServer, prefix: str) -> None:
    """It comes when nobody waits for it any more."""
    redis = open_place(server.url)
    line = Line(redis, 30)
    await line.ask("PING")
    waiting = asyncio.create_task(line.ask("BLPOP", prefix, 0))
    with server.client() as client:
        while not client.info("clients")["blocked_clients"]:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        client.rpush(prefix, "late")
    assert await line.ask("ECHO", "next") == b"next"
    await close_place(redis)


async def test_nobody_waits_for_an_answer_for_ever(server: RedisServer, prefix: str) -> None:
    """What took too long is told as a lost line is."""
    redis = open_place(server.url)
    line = Line(redis, 30)
    await line.ask("PING")
    line.patience_s = 0.05
    with pytest.raises(TimeoutError):
        await line.ask("BLPOP", prefix, 0)
    await close_place(redis)


async def test_a_line_that_broke_is_opened_again(server: RedisServer) -> None:
    """Whoever asks again gets an answer; a refusal breaks nothing."""
    redis = open_place(server.url)
    line = Line(redis, 30)
    number = await line.ask("CLIENT", "ID")
    with pytest.raises(exceptions.ResponseError):
        await line.ask("ECHO")
    assert await line.ask("CLIENT", "ID") == number
    with server.client() as client:
        client.client_kill_filter(_id=str(number))
    with pytest.raises((exceptions.ConnectionError, OSError)):
        await line.ask("ECHO", "lost")
    assert await line.ask("CLIENT", "ID") != number
    await close_place(redis)
