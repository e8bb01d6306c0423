"""Requests: the reply is found by its cause, and every way to have none is told apart."""

from __future__ import annotations

import asyncio

import pytest

from bus import Fenced, NoMailbox, Overflow, RequestTimeout
from shared.events import Event, LlmRequest, SubscriptionOverflowed, TextEntered


async def test_the_reply_is_the_event_of_a_replying_kind_that_the_request_caused(bus, make):
    inbox = bus.subscribe(LlmRequest)

    async def answer():
        request = await anext(inbox)
        bus.publish(make.piece(request))
        bus.publish(make.answer(make.request(), "another's"))
        bus.publish(make.answer(request, "mine"))

    task = asyncio.create_task(answer())
    reply = await bus.request(make.request(), timeout=5)
    await task
    assert reply.text == "mine"


async def test_concurrent_requests_get_their_own_replies_in_any_order(bus, make):
    inbox = bus.subscribe(LlmRequest)
    asking = [asyncio.create_task(bus.request(make.request(), timeout=5)) for _ in range(3)]
    requests = [await anext(inbox) for _ in asking]
    for request in reversed(requests):
        bus.publish(make.answer(request, request.id))
    assert [reply.text for reply in await asyncio.gather(*asking)] == [request.id for request in requests]


async def test_without_a_mailbox_a_request_fails_at_once_and_is_not_published(bus, make):
    """Watchers, whose queues may lose events or who ask for everything, are no mailbox; nor is another session's."""
    bus.subscribe(LlmRequest, overflow=Overflow.DROP_OLDEST)
    bus.subscribe(Event)
    bus.subscribe(LlmRequest, session="other")
    with pytest.raises(NoMailbox, match=r"llm\.request"):
        await bus.request(make.request(), timeout=5)
    assert bus.published == 0


async def test_a_mailbox_that_closed_is_none(bus, make):
    bus.subscribe(LlmRequest).close()
    with pytest.raises(NoMailbox):
        await bus.request(make.request(), timeout=5)


async def test_no_answer_in_time(bus, make):
    bus.subscribe(LlmRequest)
    with pytest.raises(RequestTimeout, match=r"llm\.request within 0\.001 s"):
        await bus.request(make.request(), timeout=0.001)


async def test_an_answer_after_the_time_is_nobodys(bus, make):
    inbox = bus.subscribe(LlmRequest)
    with pytest.raises(RequestTimeout):
        await bus.request(make.request(), timeout=0.001)
    bus.publish(make.answer(await anext(inbox)))


async def test_a_fence_ends_a_request_of_an_older_turn_only(bus, make):
    inbox = bus.subscribe(LlmRequest)
    older, newer = (asyncio.create_task(bus.request(make.request(turn), timeout=5)) for turn in (1, 2))
    await asyncio.sleep(0)
    bus.fence("s", 2)
    with pytest.raises(Fenced):
        await older
    bus.publish(make.answer(await anext(inbox), "still"))
    assert (await newer).text == "still"


async def test_a_request_of_a_fenced_turn_is_refused_at_once(bus, make):
    bus.subscribe(LlmRequest)
    bus.fence("s", 2)
    with pytest.raises(Fenced):
        await bus.request(make.request(turn=1), timeout=5)
    assert bus.published == 0


async def test_a_cancelled_request_leaves_nothing_behind(bus, make):
    inbox = bus.subscribe(LlmRequest)
    event = make.request()
    task = asyncio.create_task(bus.request(event, timeout=5))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bus.publish(make.answer(await anext(inbox)))
    bus.fence("s", 9)
    again = asyncio.create_task(bus.request(make.request(9), timeout=5))
    bus.publish(make.answer(await anext(inbox), "fine"))
    assert (await again).text == "fine"


async def test_what_asks_for_no_reply_or_was_asked_already_cannot_be_requested(bus, make):
    bus.subscribe(TextEntered, LlmRequest)
    with pytest.raises(ValueError, match="publish it"):
        await bus.request(make.fact(), timeout=5)
    event = make.request()
    async with bus.stream(event):
        with pytest.raises(ValueError, match="already"):
            await bus.request(event, timeout=5)


async def test_an_overflow_while_a_request_is_handled_is_no_part_of_its_answer(bus, make):
    bus.subscribe(TextEntered, capacity=1, overflow=Overflow.DROP_OLDEST)
    told = bus.subscribe(SubscriptionOverflowed)
    inbox = bus.subscribe(LlmRequest)
    async with bus.stream(make.request()) as stream:
        await anext(inbox)
        bus.publish(make.fact(session="x"))
        bus.publish(make.fact(session="x"))
        await anext(told)
        assert stream.queued == 2  # the two facts were stamped while the request was in hand
