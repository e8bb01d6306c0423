"""Two buses become one: what crosses, to whom, and in which order."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from bus import Bus, Mailbox, NoMailbox, StreamClosed
from bus.transport import Parcel
from shared.events import (
    REGISTRY,
    AudioCaptured,
    EmbedRequest,
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    TextEntered,
    ToolCall,
)
from tests.bus.transport.conftest import Household, answer, ask, owner, serve, watch, worker
from tests.kit.redis_server import RedisServer


async def test_events_reach_who_reads_them_in_the_published_order(household: Household) -> None:
    """With cause, turn and payload as they were; who reads nothing of the kind gets nothing."""
    there = Bus()
    texts, calls = watch(there, TextEntered, AudioCaptured), watch(there, ToolCall)
    other = household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    await other.knows("here")
    sent: list[Event] = [here.publish(TextEntered, text=str(number), speak=False, turn=number) for number in range(500)]
    sent.append(here.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=b"\x01\x02" * 320))
    async with asyncio.timeout(30):
        assert [await anext(texts) for _ in sent] == sent
    assert not any(entry.queued for entry in there.stats() if entry.name == "tool.call")
    calls.close()


async def test_who_reads_it_comes_before_what_is_said_of_it(household: Household) -> None:
    """An event is settled once it was offered, and Redis hears of that when its reader has had his turn."""
    there = Bus()
    texts = watch(there, TextEntered)
    other = household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    unsettled: list[int] = []
    there.tap(lambda _: unsettled.append(other.transport.unsettled))
    here.publish(TextEntered, text="x", speak=False)
    async with asyncio.timeout(30):
        await anext(texts)
        unsettled.append(other.transport.unsettled)
        while other.transport.held:
            await asyncio.sleep(0.01)
    assert unsettled == [0, 1]


async def test_sound_crosses_only_to_whom_it_names(household: Household) -> None:
    """A watcher of everything hears what is said, not the samples."""
    there = Bus()
    everything = watch(there, Event)
    household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    here.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640))
    last = here.publish(TextEntered, text="x", speak=False)
    async with asyncio.timeout(30):
        assert await anext(everything) == last  # and no sound before it


async def test_a_request_is_answered_in_another_process(household: Household) -> None:
    """`bus.request` does not know the difference."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    serving = asyncio.create_task(serve(there, box))
    reply = await here.bus.request(ask(here), 30)
    assert isinstance(reply, LlmResponse)
    assert reply.text == "worker"
    serving.cancel()


async def test_nobody_anywhere_is_known_at_once(household: Household) -> None:
    """As in one process."""
    household.start("other")
    here = await owner(household, "other")
    with pytest.raises(NoMailbox):
        await here.bus.request(ask(here), 30)


async def test_a_conversation_keeps_its_worker_and_each_request_has_one_answer(household: Household) -> None:
    """Two who could answer do not answer twice."""
    workers = [worker(household, name) for name in ("left", "right")]
    here = await owner(household, "left", "right")
    serving = [asyncio.create_task(serve(process, box)) for process, box in workers]
    names = {(await here.bus.request(ask(here), 30)).text for _ in range(20)}  # type: ignore[attr-defined]
    assert len(names) == 1
    assert sum(box.handled for _, box in workers) <= 20
    for task in serving:
        task.cancel()


async def test_what_a_worker_asks_for_a_request_is_not_done_twice(household: Household) -> None:
    """Who sent that request hears what it causes, but no request that another one answers."""
    there, box = worker(household, "worker")
    embeds = there.bus.subscribe(EmbedRequest, name="embedding")
    bus = Bus()
    idle = bus.subscribe(EmbedRequest, name="embedding")
    answers = watch(bus, LlmResponse)
    here = household.start("home", bus=bus, services=("embedding",), sessions=("s",))
    await here.knows("worker")
    await there.knows("home")
    bus.publish(request := ask(here))
    async with asyncio.timeout(30):
        assert await anext(box) == request
        vectors = there.stamp(EmbedRequest, texts=("x",)).model_copy(update={"cause": request.id})
        there.bus.publish(vectors)
        assert await anext(embeds) == vectors
        there.bus.publish(answer(there, request))
        await anext(answers)
    assert not idle.queued


async def test_a_fence_holds_everywhere(household: Household) -> None:
    """Nothing fenced of an older turn is delivered in the other process any more; facts are."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    here.bus.fence("s", 5)
    old, new = ask(here, turn=4), ask(here, turn=5)
    here.bus.publish(old)
    here.bus.publish(new)
    async with asyncio.timeout(30):
        assert await anext(box) == new
    assert there.bus.fenced_turn("s") == 5


class NewRequest(LlmRequest):
    """As a newer Sotto asks it."""

    version: ClassVar[int] = 2


async def test_an_older_worker_is_not_asked_for_what_it_cannot_read(household: Household) -> None:
    """A newer one beside it is; what both know goes on."""
    older, _ = worker(household, "older")
    texts = watch(older.bus, TextEntered)
    bus, registry = Bus(), REGISTRY.extended(NewRequest)
    here = household.start("home", bus=bus, services=("dialogue",), sessions=("s",), registry=registry)
    await here.knows("older")
    request = NewRequest(**ask(here).model_dump())
    with pytest.raises(NoMailbox):
        await bus.request(request, 30)
    there = Bus()
    box = Mailbox(there, there.subscribe(LlmRequest, name="llm"))
    household.start("newer", bus=there, services=("llm",), registry=registry)
    await here.knows("older", "newer")
    bus.publish(request)
    text = here.publish(TextEntered, text="x", speak=False)
    async with asyncio.timeout(30):
        assert (await anext(box), await anext(texts)) == (request, text)


async def test_what_cannot_be_read_costs_nothing_else(household: Household) -> None:
    """A kind or version of another Sotto is left out; what is no event at all is put aside, with the reason."""
    there = Bus()
    texts = watch(there, TextEntered)
    other = household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    for header in (b'{"kind":"text.sung","version":1}', b'{"kind":"text.entered","version":9}', b"{"):
        here.transport.send(Parcel(header, to=("other",)))
    text = here.publish(TextEntered, text="x", speak=False)
    async with asyncio.timeout(30):
        assert await anext(texts) == text
        while not (letters := await here.transport.letters.all()) or other.transport.held:
            await asyncio.sleep(0.01)
    assert [(letter.header, letter.to) for letter in letters] == [(b"{", "other")]
    assert "not JSON" in letters[0].reason


async def test_conversations_do_not_hear_each_other(household: Household) -> None:
    """Two owners share a Redis, each gets its own sessions' events only."""
    other_bus = Bus()
    heard = watch(other_bus, TextEntered)
    other = household.start("other", bus=other_bus, sessions=("t",))
    here = await owner(household, "other")
    await other.knows("home")
    here.publish(TextEntered, text="mine", speak=False)
    theirs = here.stamp(TextEntered, text="theirs", speak=False).model_copy(update={"session": "t"})
    here.bus.publish(theirs)
    async with asyncio.timeout(30):
        assert await anext(heard) == theirs


async def test_redis_may_be_away(household: Household, server: RedisServer) -> None:
    """What is said meanwhile waits, and arrives in order when it is back."""
    there = Bus()
    texts = watch(there, TextEntered)
    other = household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    await other.knows("here")
    server.kill()
    sent = [here.publish(TextEntered, text=str(number), speak=False) for number in range(50)]
    server.start()
    async with asyncio.timeout(60):
        assert [await anext(texts) for _ in sent] == sent


async def test_a_streamed_answer_comes_at_its_reader_s_pace_and_ends_with_it(household: Household) -> None:
    """The window holds between processes; who leaves the stream stops the producer there."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    request = ask(here)
    stream = here.bus.stream(request, window=2)
    taken = await anext(box)
    outlet, sent, stopped = there.bus.outlet(taken), list[int](), asyncio.Event()
    there.bus.on_abandoned(taken, stopped.set)

    async def produce() -> None:
        for index in range(100):
            piece = there.stamp(LlmDelta, request=request.id, index=index, text="x", turn=1)
            await outlet.send(piece.model_copy(update={"cause": request.id}))
            sent.append(index)

    producing = asyncio.create_task(produce())
    async with asyncio.timeout(30):
        read = [await anext(stream) for _ in range(10)]
        assert [event.index for event in read if isinstance(event, LlmDelta)] == list(range(10))
        assert len(sent) <= 10 + 2 + 1
        stream.close()
        await stopped.wait()
        with pytest.raises(StreamClosed):
            await producing


async def test_work_without_memory_goes_to_whom_has_least(household: Household) -> None:
    """Four questions at once find four workers; the same conversation's."""
    boxes = [worker(household, f"worker{number}")[1] for number in range(4)]
    here = await owner(household, *(f"worker{number}" for number in range(4)))
    for _ in range(4):
        here.bus.publish(ask(here))
    async with asyncio.timeout(30):
        for box in boxes:
            await anext(box)
