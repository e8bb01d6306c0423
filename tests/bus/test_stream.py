"""Streams: in order, bounded by the window, and whoever produces stops when nobody reads."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from bus import Fenced, NoMailbox, SlowReader, StreamClosed
from shared.events import LlmRequest


@pytest.fixture
async def inbox(bus):
    return bus.subscribe(LlmRequest)


async def settle():
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_stream_ends_with_the_answer(bus, make, inbox):
    async with bus.stream(request := make.request()) as stream:
        for i in range(3):
            bus.publish(make.piece(request, i))
        bus.publish(make.piece(make.request()))
        bus.publish(make.answer(request, "012"))
        bus.publish(make.piece(request, 9))
        assert [event.text async for event in stream] == ["0", "1", "2", "012"]
    assert stream.finished


async def test_a_producer_with_an_outlet_is_held_back_at_the_window(bus, make, inbox):
    request = make.request()
    stream = bus.stream(request, window=4)
    outlet = bus.outlet(request)
    sent: list[int] = []

    async def produce():
        for i in range(20):
            await outlet.send(make.piece(request, i))
            sent.append(i)
        await outlet.send(make.answer(request))

    task = asyncio.create_task(produce())
    await settle()
    assert sent == [0, 1, 2, 3]
    await anext(stream)
    await settle()
    assert sent == [0, 1, 2, 3, 4]
    rest = [event async for event in stream]
    await task
    assert len(rest) == 20  # nineteen pieces and the answer


async def test_several_producers_of_one_stream_never_pass_the_window(bus, make, inbox):
    request = make.request()
    stream = bus.stream(request, window=2)

    async def produce(i):
        await bus.outlet(request).send(make.piece(request, i))

    tasks = [asyncio.create_task(produce(i)) for i in range(9)]
    got = 0
    while got < 9:
        await settle()
        assert 1 <= stream.queued <= 2
        await anext(stream)
        got += 1
    await asyncio.gather(*tasks)
    stream.close()


async def test_a_producer_that_overruns_the_window_is_cancelled_and_the_reader_told(bus, make, inbox):
    """Never more than the window waits; what waits is read, then SlowReader is raised."""
    request = make.request()
    cancelled: list[bool] = []
    async with bus.stream(request, window=3) as stream:
        bus.on_abandoned(request, lambda: cancelled.append(True))
        for i in range(50):
            bus.publish(make.piece(request, i))
            assert stream.queued <= 3
        assert cancelled == [True]
        assert [(await anext(stream)).text for _ in range(3)] == ["0", "1", "2"]
        for _ in range(2):
            with pytest.raises(SlowReader, match="faster than it was read"):
                await anext(stream)


async def test_the_answer_always_has_room(bus, make, inbox):
    async with bus.stream(request := make.request(), window=1) as stream:
        bus.publish(make.piece(request))
        bus.publish(make.answer(request, "whole"))
        assert [event.text async for event in stream] == ["0", "whole"]


async def test_closing_before_the_answer_cancels_the_producer(bus, make, inbox):
    request = make.request()
    stream = bus.stream(request, window=1)
    outlet = bus.outlet(request)
    called: list[str] = []
    forget = bus.on_abandoned(request, lambda: called.append("forgotten"))
    bus.on_abandoned(request, lambda: called.append("cancelled"))
    forget()
    await outlet.send(make.piece(request))
    held_back = asyncio.create_task(outlet.send(make.piece(request)))
    await settle()
    published = bus.published
    stream.close()
    stream.close()
    with pytest.raises(StreamClosed):
        await held_back
    with pytest.raises(StreamClosed):
        await bus.outlet(request).send(make.piece(request))
    assert called == ["cancelled"]
    assert bus.published == published


async def test_closing_after_the_answer_cancels_nobody(bus, make, inbox):
    called: list[str] = []
    async with bus.stream(request := make.request()) as stream:
        bus.on_abandoned(request, lambda: called.append("cancelled"))
        bus.publish(make.answer(request))
        await anext(stream)
    assert called == []


async def test_a_producer_that_starts_after_the_reader_left_learns_it_at_once(bus, make, inbox):
    bus.stream(make.request()).close()
    request = await anext(inbox)
    called: list[str] = []
    bus.on_abandoned(request, lambda: called.append("cancelled"))()
    assert called == ["cancelled"]
    with pytest.raises(StreamClosed):
        await bus.outlet(request).send(make.piece(request))


async def test_a_request_that_was_abandoned_may_be_asked_again(bus, make, inbox):
    request = make.request()
    bus.stream(request).close()
    async with bus.stream(request) as stream:
        called: list[str] = []
        bus.on_abandoned(request, lambda: called.append("cancelled"))
        await bus.outlet(request).send(make.answer(request))
        assert [event.kind async for event in stream] == ["llm.response"]
    assert called == []


async def test_only_so_many_abandoned_requests_are_remembered(bus, make, inbox):
    requests, told = [make.request() for _ in range(1100)], []
    for request in requests:
        bus.stream(request).close()
        inbox.take_nowait()
    for request in requests:
        bus.on_abandoned(request, partial(told.append, request))
    assert told == requests[-1024:]


async def test_an_outlet_without_a_stream_publishes_freely(bus, make, inbox):
    request = make.request()
    outlet = bus.outlet(request)
    for i in range(100):
        await outlet.send(make.piece(request, i))
    assert bus.published == 100


async def test_a_fence_ends_the_stream_and_no_old_work_is_read(bus, make, inbox):
    called: list[str] = []
    async with bus.stream(request := make.request(turn=1)) as stream:
        bus.on_abandoned(request, lambda: called.append("cancelled"))
        bus.publish(make.piece(request))
        bus.publish(make.fact("a fact", turn=1).model_copy(update={"cause": request.id}))
        bus.fence("s", 2)
        assert (await anext(stream)).text == "a fact"
        with pytest.raises(Fenced):
            await anext(stream)
        with pytest.raises(StreamClosed):
            await bus.outlet(request).send(make.piece(request))
    assert called == ["cancelled"]


async def test_a_reader_that_waits_is_woken_by_the_fence(bus, make, inbox):
    async with bus.stream(make.request(turn=1)) as stream:
        reading = asyncio.create_task(anext(stream))
        await settle()
        bus.fence("s", 2)
        with pytest.raises(Fenced):
            await reading


async def test_a_closed_stream_reads_as_ended(bus, make, inbox):
    async with bus.stream(request := make.request()) as stream:
        bus.publish(make.piece(request))
    assert [event async for event in stream] == []


async def test_a_stream_needs_a_mailbox_a_window_and_a_turn_that_is_not_fenced(bus, make):
    with pytest.raises(NoMailbox):
        bus.stream(make.request())
    bus.subscribe(LlmRequest)
    with pytest.raises(ValueError, match="window"):
        bus.stream(make.request(), window=0)
    bus.fence("s", 2)
    with pytest.raises(Fenced):
        bus.stream(make.request(turn=1))


async def test_a_reader_in_another_process_holds_the_producer_back_as_one_here_does(bus, make, inbox):
    """What it did not say it has read counts as waiting; when it leaves, the producer is cancelled."""
    request = make.request()
    distant = bus.read_elsewhere(request, window=2)
    cancelled: list[bool] = []
    bus.on_abandoned(request, lambda: cancelled.append(True))
    sent: list[int] = []

    async def produce():
        for i in range(9):
            await bus.outlet(request).send(make.piece(request, i))
            sent.append(i)

    task = asyncio.create_task(produce())
    await settle()
    assert sent == [0, 1]
    distant.was_read(1)
    await settle()
    assert sent == [0, 1, 2]
    distant.close()
    with pytest.raises(StreamClosed):
        await task
    assert cancelled == [True]
