"""The local socket: whoever runs as the same person asks a running Sotto, and may walk away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from services.llm import LlmService
from services.llm.engines.llama import LlamaEngine
from services.local.client import Connection, Lost, Refused, connected
from services.local.place import Card, NoPlace, Place, Port
from services.local.service import LocalService
from services.local.wire import pack
from services.testing import Bench, running
from shared.clock import SystemClock
from shared.errors import SottoError
from shared.events import Event, LlmDelta, LlmFailed, LlmRequest, LlmResponse, Message, ServiceDegraded, Stamp
from shared.ids import id_source
from tests.services.llm.conftest import SETTINGS, Folder

HERE = Card(1, "daemon")
STAMP = Stamp("elsewhere", SystemClock(), id_source("elsewhere-"), "elsewhere")


def wish(text: str, **fields: Any) -> LlmRequest:
    values: dict[str, Any] = {"tools": (), "max_tokens": 40, "temperature": 0.0, "seed": 1, "stop": ()} | fields
    return STAMP(LlmRequest, messages=(Message(role="user", content=text),), **values)


def backwards(options: dict[str, JsonValue], payload: bytes) -> tuple[dict[str, JsonValue], bytes]:
    if not payload:
        raise SottoError("There is nothing to turn round.", remedy="Send something.")
    return options, payload[::-1]


@contextlib.asynccontextmanager
async def at_home(place: Place, *models: Path) -> AsyncIterator[Bench]:
    """A language model and a local socket on one bus."""
    local = LocalService(HERE, {"backwards": backwards}, place=place)
    llm = LlmService(SETTINGS, Folder(*models), LlamaEngine())
    async with running(llm) as bench, running(local, bus=bench.bus):
        yield bench


async def _all(answer: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in answer]


@contextlib.asynccontextmanager
async def asking(place: Place) -> AsyncIterator[Connection]:
    async with asyncio.timeout(30):
        while True:  # it is ready a moment before it listens
            async with connected(place) as connection:
                if connection is not None:
                    yield connection
                    return
            await asyncio.sleep(0)


async def test_an_answer_streams_to_another_program(place: Place, scripted: Callable[..., Path]) -> None:
    async with at_home(place, scripted("Hello", " there.")), asking(place) as connection:
        events = [event async for event in connection.stream(wish("Hi"))]
        again = [event async for event in connection.stream(wish("Hi"))]
    assert "".join(event.text for event in events if isinstance(event, LlmDelta)) == "Hello there."
    assert isinstance(events[-1], LlmResponse)
    assert isinstance(again[-1], LlmResponse), "a connection asks one thing after the other"


async def test_a_failure_crosses_as_it_is(place: Place) -> None:
    async with at_home(place), asking(place) as connection:
        (failed,) = [event async for event in connection.stream(wish("Hi"))]
    assert isinstance(failed, LlmFailed)
    assert failed.reason == "no-model"


async def test_whoever_leaves_ends_the_work(place: Place, random_model: Path) -> None:
    async with at_home(place, random_model) as bench:
        async with asking(place) as connection:
            answer = connection.stream(wish("Go on for ever", max_tokens=3000))
            assert isinstance(await anext(answer), LlmDelta)
        ended = await bench.next(LlmResponse)
    assert ended.finish == "cancelled"


async def test_calls_take_and_give_bytes(place: Place) -> None:
    async with at_home(place), asking(place) as connection:
        assert await connection.call("backwards", b"abc", way="back") == ({"way": "back"}, b"cba")
        with pytest.raises(Refused, match="nothing to turn round"):
            await connection.call("backwards")
        with pytest.raises(Refused, match="does not answer 'forwards'"):
            await connection.call("forwards")


async def said_to(place: Place, *messages: bytes) -> bytes:
    """Say something raw, and return all that is answered."""
    door = await asyncio.to_thread(place.door)
    if isinstance(door, Port):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.number)
    else:
        reader, writer = await asyncio.open_unix_connection(door)
    writer.writelines(messages)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_is_no_message_is_refused_and_others_go_on(place: Place, scripted: Callable[..., Path]) -> None:
    async with at_home(place, scripted("Fine.")):
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", pack(b"{}"), pack(b'{"call"'), pack(b"\xff" * 9), b"\xff" * 8):
            async with asking(place):
                assert (await said_to(place, rubbish)).count(b'"error"') <= 1
        async with asking(place) as connection:
            assert isinstance([event async for event in connection.stream(wish("How?"))][-1], LlmResponse)


async def test_only_its_own_person_may_come_in(place: Place) -> None:
    async with at_home(place), asking(place):
        assert stat.S_IMODE(place.address.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", [True], indirect=True, ids=["loopback"])
@pytest.mark.parametrize("said", [pack(b""), pack(b"guessed"), pack(b"x" * 300), pack(b'{"call": "backwards"}')])
async def test_at_a_port_the_token_comes_first(place: Place, said: bytes) -> None:
    """Whoever does not know it is answered nothing, though the question would be a good one."""
    async with at_home(place):
        async with asking(place):
            answer = await said_to(place, said, pack(b'{"call": "backwards"}', b"abc"))
        assert answer.count(b'"error"') == 1
        assert b"cba" not in answer
        async with asking(place) as connection:
            assert await connection.call("backwards", b"abc") == ({}, b"cba")


@pytest.mark.parametrize("place", [True], indirect=True, ids=["loopback"])
def test_a_port_that_was_left_behind_is_not_knocked_at(place: Place) -> None:
    listener = place.take(HERE)
    assert listener is not None
    listener.close()
    left = place.address.read_bytes()
    place.leave()
    place.address.write_bytes(left)
    assert place.door() is None, "somebody else may have the port by now"


async def test_one_that_ends_says_so(place: Place, random_model: Path) -> None:
    house = contextlib.AsyncExitStack()
    await house.enter_async_context(at_home(place, random_model))
    async with asking(place) as connection:
        answer = connection.stream(wish("Go on for ever", max_tokens=3000))
        await anext(answer)
        await house.aclose()
        with pytest.raises(Lost):
            await _all(answer)
    async with connected(place) as connection:
        assert connection is None


def test_a_live_place_is_not_taken_and_a_dead_one_is(place: Place) -> None:
    first = place.take(HERE)
    assert first is not None
    second = Place(place.folder, loopback=place.address.suffix == ".port")
    assert second.take(Card(2, "conversation")) is None
    assert second.holder() == HERE
    first.close()
    place.leave()
    assert second.holder() is None
    place.address.touch()  # what a dead one leaves behind
    taken = second.take(Card(2, "conversation"))
    assert taken is not None
    taken.close()
    second.leave()


async def test_one_waits_until_the_place_is_free(place: Place) -> None:
    first = await asyncio.to_thread(place.take, HERE)
    assert first is not None
    async with running(
        LocalService(
            Card(2, "conversation"), place=Place(place.folder, loopback=place.address.suffix == ".port"), again_s=0.01
        )
    ):
        first.close()
        await asyncio.to_thread(place.leave)
        async with asking(place) as connection:
            with pytest.raises(Refused):
                await connection.call("anything")


async def test_a_folder_that_cannot_be_used_is_told_about(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(NoPlace, match="XDG_RUNTIME_DIR"):
        await asyncio.to_thread(Place(tmp_path / "file").take, HERE)
    async with running(LocalService(HERE, place=Place(tmp_path / "file")), wait_ready=False) as bench:
        assert "cannot reach" in (await bench.next(ServiceDegraded)).reason


async def test_whoever_ends_it_while_it_takes_its_place_leaves_nothing_open(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings are errors, and a socket that nobody closed is one."""
    taking, go_on, take = threading.Event(), threading.Event(), place.take

    def slowly(card: Card) -> socket.socket | None:
        taking.set()
        go_on.wait()
        return take(card)

    monkeypatch.setattr(place, "take", slowly)
    async with running(LocalService(HERE, {}, place=place), wait_ready=False):
        await asyncio.to_thread(taking.wait)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    gc.collect()
    assert await asyncio.to_thread(place.holder) is None, "the place is free again"
