"""What a bus promises it promises in one process and between two: who publishes here, who reads there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from bus import Bus, Fenced, NoMailbox, Overflow, RequestTimeout, StreamClosed
from shared.events import AudioCaptured, LlmDelta, LlmRequest, LlmResponse, ServiceReady, TextEntered
from tests.bus.conftest import Make
from tests.bus.transport.conftest import Household, Process

pytestmark = pytest.mark.usefixtures("never_too_late")


@dataclass
class Pair:
    """Two ends of one bus; `links` are what joins them where they are two processes."""

    here: Bus
    there: Bus
    links: tuple[Process, ...] = ()

    async def meet(self) -> None:
        """Each end knows what the other reads."""
        for one, other in (self.links, self.links[::-1]) if self.links else ():
            async with asyncio.timeout(30):
                while not _reads(other) <= set(_known(one, other)):
                    await asyncio.sleep(0.01)

    async def fenced(self, turn: int) -> None:
        """The fence of session `s` holds at both ends."""
        async with asyncio.timeout(30):
            while min(bus.fenced_turn("s") for bus in (self.here, self.there)) < turn:
                await asyncio.sleep(0.01)


def _reads(process: Process) -> set[str]:
    kinds = (LlmRequest, LlmDelta, LlmResponse, TextEntered, AudioCaptured)
    return {cls.kind for cls in kinds if any(issubclass(cls, asked) for asked, *_ in process.bus.readers())}


def _known(process: Process, other: Process) -> tuple[str, ...]:
    node = process.link.nodes.get(other.name)
    return tuple(node.wants) if node is not None else ()


@pytest.fixture(params=["one process", "two processes"])
async def pair(request: pytest.FixtureRequest, household: Household) -> Pair:
    if request.param == "one process":
        bus = Bus()
        return Pair(bus, bus)
    here, there = Bus(), Bus()
    links = household.start("here", bus=here, sessions=("s",)), household.start("there", bus=there)
    return Pair(here, there, links)


async def test_a_reader_gets_the_kinds_it_asked_for_in_the_published_order(pair: Pair, make: Make) -> None:
    """Whole, with their sound."""
    reader = pair.there.subscribe(TextEntered, AudioCaptured)
    await pair.meet()
    sent = [make.fact("1"), make.sound(), make.fact("2")]
    for event in (make.work(), *sent, make.work()):
        pair.here.publish(event)
    async with asyncio.timeout(30):
        assert [await anext(reader) for _ in sent] == sent
    assert not reader.queued


async def test_a_reader_of_one_session_gets_no_other(pair: Pair, make: Make) -> None:
    reader = pair.there.subscribe(TextEntered, session="s")
    await pair.meet()
    pair.here.publish(make.fact("theirs").model_copy(update={"session": "t"}))
    pair.here.publish(ours := make.fact("ours"))
    async with asyncio.timeout(30):
        assert await anext(reader) == ours


async def test_those_of_a_group_share_what_comes(pair: Pair, make: Make) -> None:
    """Each event goes to one of them."""
    readers = [pair.there.subscribe(TextEntered, group="readers") for _ in range(2)]
    await pair.meet()
    sent = [make.fact(str(number)) for number in range(4)]
    for event in sent:
        pair.here.publish(event)
    async with asyncio.timeout(30):
        assert [await anext(readers[number % 2]) for number in range(4)] == sent


async def test_a_slow_reader_loses_the_oldest_and_its_ledger_adds_up(pair: Pair, make: Make) -> None:
    slow = pair.there.subscribe(TextEntered, name="slow", capacity=2, overflow=Overflow.DROP_OLDEST)
    quick = pair.there.subscribe(TextEntered)
    await pair.meet()
    sent = [make.fact(str(number)) for number in range(5)]
    for event in sent:
        pair.here.publish(event)
    async with asyncio.timeout(30):
        assert [await anext(quick) for _ in sent] == sent
    assert [await anext(slow) for _ in range(2)] == sent[3:]
    (ledger,) = (one for one in pair.there.stats() if one.name == "slow")
    assert (ledger.offered, ledger.delivered, ledger.dropped, ledger.queued) == (5, 2, 3, 0)


async def test_who_comes_late_gets_the_last_of_what_is_retained(pair: Pair, make: Make) -> None:
    for _ in range(2):
        last = make.stamp(ServiceReady, service="memory")
        pair.here.publish(last)
    reader = pair.there.subscribe(ServiceReady)
    async with asyncio.timeout(30):
        assert await anext(reader) == last


async def test_each_request_gets_the_answer_that_it_caused(pair: Pair, make: Make) -> None:
    """In whatever order they come."""
    inbox = pair.there.subscribe(LlmRequest)
    await pair.meet()
    asking = [asyncio.create_task(pair.here.request(make.request(), timeout=30)) for _ in range(3)]
    requests = [await anext(inbox) for _ in asking]
    for request in reversed(requests):
        pair.there.publish(make.piece(request))
        pair.there.publish(make.answer(request, request.id))
    answers = await asyncio.gather(*asking)
    assert [answer.cause for answer in answers] == [request.id for request in requests]


async def test_nobody_answers_and_nobody_answers_in_time_are_told_apart(pair: Pair, make: Make) -> None:
    await pair.meet()
    with pytest.raises(NoMailbox):
        await pair.here.request(make.request(), timeout=30)
    pair.there.subscribe(LlmRequest)
    await pair.meet()
    with pytest.raises(RequestTimeout):
        await pair.here.request(make.request(), timeout=0.001)


async def test_a_fence_ends_what_is_asked_of_an_older_turn(pair: Pair, make: Make) -> None:
    """And keeps its pieces from being read anywhere, but not the facts."""
    pair.there.subscribe(LlmRequest)
    reader = pair.there.subscribe(TextEntered, LlmDelta)
    await pair.meet()
    asking = asyncio.create_task(pair.here.request(make.request(turn=1), timeout=30))
    pair.here.publish(make.work("old", turn=1))
    pair.here.publish(fact := make.fact("fact", turn=1))
    await asyncio.sleep(0)
    pair.here.fence("s", 2)
    await pair.fenced(2)
    pair.here.publish(new := make.work("new", turn=2))
    with pytest.raises(Fenced):
        await asking
    async with asyncio.timeout(30):
        assert [await anext(reader), await anext(reader)] == [fact, new]


async def test_a_stream_comes_in_order_at_its_reader_s_pace_and_ends_with_the_answer(pair: Pair, make: Make) -> None:
    inbox = pair.there.subscribe(LlmRequest)
    await pair.meet()
    stream = pair.here.stream(make.request(), window=2)
    request = await anext(inbox)
    outlet, sent = pair.there.outlet(request), list[int]()

    async def produce() -> None:
        for index in range(20):
            await outlet.send(make.piece(request, index))
            sent.append(index)
        await outlet.send(make.answer(request, "end"))

    producing = asyncio.create_task(produce())
    texts = []
    async with asyncio.timeout(30):
        async for event in stream:
            assert len(sent) <= len(texts) + 4  # the window, and what is said of reading on its way
            texts.append(event.text)  # type: ignore[attr-defined]
    await producing
    assert texts == [*map(str, range(20)), "end"]


async def test_who_leaves_a_stream_stops_its_producer(pair: Pair, make: Make) -> None:
    inbox = pair.there.subscribe(LlmRequest)
    await pair.meet()
    stream = pair.here.stream(make.request(), window=2)
    request = await anext(inbox)
    outlet, stopped = pair.there.outlet(request), asyncio.Event()
    pair.there.on_abandoned(request, stopped.set)
    stream.close()
    async with asyncio.timeout(30):
        await stopped.wait()
    with pytest.raises(StreamClosed):
        await outlet.send(make.piece(request))
