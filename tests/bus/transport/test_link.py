"""Two buses become one: what crosses, to whom, in which order, and what the death of one costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import ClassVar

import pytest

from bus import Bus, Mailbox, NoMailbox, StreamClosed, Subscription, late
from bus.transport import Node, NotDead, Parcel, RedisTransport, SessionTaken
from shared.events import (
    NOTHING_USED,
    REGISTRY,
    AudioCaptured,
    EmbedRequest,
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    ServiceCrashed,
    ServiceReady,
    SttFinish,
    SttStart,
    TextEntered,
    ToolCall,
)
from tests.bus.transport.conftest import Household, Process, watch


def ask(process: Process, turn: int = 1) -> LlmRequest:
    return process.stamp(LlmRequest, messages=(), tools=(), max_tokens=9, temperature=0.0, seed=0, stop=(), turn=turn)


def answer(process: Process, request: LlmRequest) -> LlmResponse:
    event = process.stamp(
        LlmResponse,
        request=request.id,
        text=process.name,
        finish="stop",
        tool_requests=(),
        usage=NOTHING_USED,
        model="m",
        turn=request.turn,
    )
    return event.model_copy(update={"cause": request.id, "session": request.session})


async def serve(process: Process, box: Mailbox, *, most: int = 10_000) -> None:
    """Answer requests with our name."""
    async for event in box:
        assert isinstance(event, LlmRequest)
        process.bus.publish(answer(process, event))
        most -= 1
        if not most:
            return


def worker(home: Household, name: str, life: int = 1) -> tuple[Process, Mailbox]:
    bus = Bus()
    box = Mailbox(bus, bus.subscribe(LlmRequest, name="llm"))
    return home.start(name, bus=bus, services=("llm",), life=life), box


async def owner(home: Household, *others: str) -> Process:
    bus = Bus()
    process = home.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    process.answers = watch(bus, LlmResponse, LlmDelta)  # type: ignore[attr-defined]
    await process.knows(*others)
    return process


async def test_events_reach_who_reads_them_in_the_published_order(household: Household) -> None:
    """With cause, turn and payload as they were; who reads nothing of the kind gets nothing."""
    there = Bus()
    texts, calls = watch(there, TextEntered, AudioCaptured), watch(there, ToolCall)
    other = household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    await other.knows("here")
    sent = [here.publish(TextEntered, text=str(number), speak=False, turn=number) for number in range(500)]
    sent.append(here.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=b"\x01\x02" * 320))
    async with asyncio.timeout(30):
        assert [await anext(texts) for _ in sent] == sent
    assert not any(entry.queued for entry in there.stats() if entry.name == "tool.call")
    calls.close()


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


async def test_what_a_dead_worker_had_in_hand_is_taken_over(household: Household) -> None:
    """By another one that can, as long as the dead one had said nothing."""
    workers = {name: worker(household, name) for name in ("left", "right")}
    here = await owner(household, "left", "right")
    request = ask(here)
    here.bus.publish(request)
    taken = {name: asyncio.create_task(anext(box)) for name, (_, box) in workers.items()}
    done, _ = await asyncio.wait(taken.values(), return_when=asyncio.FIRST_COMPLETED, timeout=30)
    (first,) = (name for name, task in taken.items() if task in done)
    second = "right" if first == "left" else "left"
    await workers[first][0].end()
    async with asyncio.timeout(30):
        assert await taken[second] == request
    workers[second][0].bus.publish(answer(workers[second][0], request))
    async with asyncio.timeout(30):
        assert (await anext(here.answers)).text == second  # type: ignore[attr-defined]


async def test_the_last_worker_s_death_is_told_as_a_crash(household: Household) -> None:
    """So that the person hears an apology, and the service's return is noticed."""
    there, _ = worker(household, "worker")
    here = await owner(household, "worker")
    told = watch(here.bus, ServiceCrashed)
    await there.end()
    async with asyncio.timeout(30):
        event = await anext(told)
    assert (event.service, event.error) == ("llm", "the process worker went away")


def all_in_one(home: Household, name: str, life: int = 1) -> tuple[Process, Mailbox]:
    """A worker that runs three services: two that others run as well, and one of its own."""
    bus = Bus()
    box = Mailbox(bus, bus.subscribe(LlmRequest, name="llm"))
    bus.subscribe(ToolCall, name="skills")
    return home.start(name, bus=bus, services=("llm", "skills", f"lamp-{name}"), life=life), box


async def begun(household: Household) -> tuple[Process, Process]:
    """One who asked, and that of two such workers that has said a word of its answer."""
    workers = {name: all_in_one(household, name) for name in ("left", "right")}
    here = await owner(household, "left", "right")
    request = ask(here)
    there, box = workers[here.link.server_of(request)]
    here.bus.publish(request)
    async with asyncio.timeout(30):
        assert await anext(box) == request
        piece = there.stamp(LlmDelta, request=request.id, index=0, text="once", turn=1)
        there.bus.publish(piece.model_copy(update={"cause": request.id}))
        assert (await anext(here.answers)).text == "once"  # type: ignore[attr-defined]
    return here, there


async def crashes(told: Subscription[ServiceCrashed]) -> list[str]:
    """The services of which a crash is told, all at once."""
    async with asyncio.timeout(30):
        return [(await anext(told)).service, *(event.service for event in iter(told.take_nowait, None))]


async def test_a_death_is_told_as_a_crash_of_those_services_alone_that_lost_something(household: Household) -> None:
    """What another process runs too, and of which nothing was begun, costs nobody an apology."""
    here, there = await begun(household)
    told, ready = watch(here.bus, ServiceCrashed), watch(here.bus, ServiceReady)
    await there.end()
    assert await crashes(told) == ["llm", f"lamp-{there.name}"]
    assert [event.service for event in iter(ready.take_nowait, None)] == ["llm"]


async def test_a_death_that_was_not_noticed_is_told_of_what_was_begun_alone(household: Household) -> None:
    """All the rest runs there again."""
    here, there = await begun(household)
    told = watch(here.bus, ServiceCrashed)
    meet = here.link._meet
    here.link._meet = lambda _: None  # type: ignore[method-assign]
    await there.end()
    async with asyncio.timeout(30):
        while there.name in await here.transport.living():
            await asyncio.sleep(0.01)
        all_in_one(household, there.name, life=2)
        while there.name not in await here.transport.living():
            await asyncio.sleep(0.01)
    here.link._meet = meet  # type: ignore[method-assign]
    assert await crashes(told) == ["llm"]


@pytest.mark.usefixtures("never_too_late")
async def test_what_waits_for_a_service_that_is_gone_is_told_of_that_service_alone(household: Household) -> None:
    """Not of the others that the last process to run it ran."""
    there, _ = all_in_one(household, "left")
    texts = Bus()
    texts.subscribe(ToolCall, name="skills")
    household.start("right", bus=texts, services=("skills", "lamp-left"))
    here = await owner(household, "left", "right")
    told = watch(here.bus, ServiceCrashed)
    await there.end()
    assert await crashes(told) == ["llm"]
    here.bus.publish(ask(here))
    assert await crashes(told) == ["llm"]


async def test_a_killed_process_gets_what_it_had_in_hand_when_it_starts_again(household: Household) -> None:
    """Under its name; what was handled does not come twice."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    first, second = ask(here), ask(here)
    here.bus.publish(first)
    here.bus.publish(second)
    async with asyncio.timeout(30):
        assert await anext(box) == first
        there.bus.publish(answer(there, first))
        assert await anext(box) == second  # first is handled now
        while there.transport.unsettled:
            await asyncio.sleep(0.01)
    await there.end()
    await here.knows()  # a living process's name would be refused
    again, box = worker(household, "worker", life=2)
    async with asyncio.timeout(30):
        assert await anext(box) == second
    await again.end()


async def test_what_is_asked_before_anybody_is_known_waits_for_who_joins(household: Household) -> None:
    """A conversation may begin before its link has met the workers."""
    bus = Bus()
    here = household.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    first, second = ask(here), ask(here)
    bus.publish(first)
    await here.knows()
    bus.publish(second)
    _, box = worker(household, "worker")
    async with asyncio.timeout(30):
        assert [await anext(box), await anext(box)] == [first, second]


@pytest.fixture
def never_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(late, "_LATE_S", 3600.0)


@pytest.mark.usefixtures("never_too_late")
@pytest.mark.parametrize("met", [False, True])
async def test_what_is_begun_before_its_worker_is_known_reaches_it(household: Household, *, met: bool) -> None:
    """In order, with the sound: an utterance whose recogniser joins in the midst of it is understood from its start."""
    bus = Bus()
    here = household.start("home", bus=bus, services=("dialogue",), sessions=("s",))
    if met:
        await here.knows()
    said: list[Event] = [
        here.publish(SttStart, utterance="u", from_sample=0, language="en"),
        here.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640)),
        here.publish(SttFinish, utterance="u", until_sample=320),
        here.publish(SttStart, utterance="v", from_sample=320, language="en"),
    ]
    there = Bus()
    box = watch(there, SttStart, AudioCaptured, SttFinish)
    there.subscribe(SttStart, SttFinish, name="stt")
    household.start("worker", bus=there, services=("stt",))
    async with asyncio.timeout(30):
        assert [await anext(box) for _ in said] == said


@pytest.mark.usefixtures("never_too_late")
async def test_who_begins_to_read_a_kind_gets_what_came_shortly_before(household: Household) -> None:
    """Between opening a subscription and being known for it nothing is missed; what is retained is told then, too."""
    there = Bus()
    household.start("other", bus=there)
    here = household.start("here")
    await here.knows("other")
    ready = here.publish(ServiceReady, service="memory")
    text = here.publish(TextEntered, text="x", speak=False)
    texts, told = watch(there, TextEntered), watch(there, ServiceReady)
    async with asyncio.timeout(30):
        assert (await anext(texts), await anext(told)) == (text, ready)
        last = here.publish(TextEntered, text="y", speak=False)
        assert await anext(texts) == last


@pytest.mark.usefixtures("never_too_late")
async def test_what_a_worker_has_had_it_does_not_get_again_when_it_returns(household: Household) -> None:
    """Its next life begins with what comes after what the last one handled."""
    for life, word in enumerate(("first", "second"), start=1):
        bus = Bus()
        box = Mailbox(bus, bus.subscribe(TextEntered, name="memory"))
        there = household.start("worker", bus=bus, services=("memory",), life=life)
        if life == 1:
            here = await owner(household, "worker")
        sent = here.publish(TextEntered, text=word, speak=False)
        async with asyncio.timeout(30):
            assert await anext(box) == sent
            waiting = asyncio.ensure_future(anext(box))  # the first is handled now
            while there.transport.held:
                await asyncio.sleep(0.01)
        waiting.cancel()
        await there.end()
        await here.knows()


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


async def test_who_comes_later_gets_what_is_retained(household: Household) -> None:
    """A worker's readiness is known to a conversation that began after it."""
    there, _ = worker(household, "worker")
    there.bus.publish(there.stamp(ServiceReady, service="llm").model_copy(update={"session": "w"}))
    bus = Bus()
    ready = watch(bus, ServiceReady)
    household.start("home", bus=bus, sessions=("s",))
    async with asyncio.timeout(30):
        assert (await anext(ready)).service == "llm"


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


async def test_redis_may_be_away(household: Household, server) -> None:
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


async def test_who_was_taken_for_dead_is_not_heard(household: Household) -> None:
    """A worker that lost its request to another one says what it says to nobody."""
    workers = {name: worker(household, name) for name in ("left", "right")}
    here = await owner(household, "left", "right")
    request = ask(here)
    here.bus.publish(request)
    taken = {name: asyncio.create_task(anext(box)) for name, (_, box) in workers.items()}
    done, _ = await asyncio.wait(taken.values(), return_when=asyncio.FIRST_COMPLETED, timeout=30)
    (first,) = (name for name, task in taken.items() if task in done)
    second = "right" if first == "left" else "left"
    slow = workers[first][0]
    slow.link._announce = _never  # type: ignore[method-assign]
    async with asyncio.timeout(30):
        assert await taken[second] == request
    slow.bus.publish(answer(slow, request))
    await slow.transport.flushed()
    workers[second][0].bus.publish(answer(workers[second][0], request))
    async with asyncio.timeout(30):
        assert (await anext(here.answers)).text == second  # type: ignore[attr-defined]
    assert not here.answers.queued  # type: ignore[attr-defined]


async def _never() -> None:
    """A process that was stopped says nothing."""


async def test_what_kills_every_life_of_a_worker_is_put_aside(household: Household) -> None:
    """After five lives, with the reason; what waited behind it is done, and it can be tried again."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    poison, fine = ask(here), ask(here)
    here.bus.publish(poison)
    here.bus.publish(fine)
    async with asyncio.timeout(60):
        assert await anext(box) == poison
        for life in range(2, 7):
            await here.knows("worker")
            await there.end()
            await here.knows()
            there, box = worker(household, "worker", life=life)
            if life < 6:
                assert await anext(box) == poison
        assert await anext(box) == fine
        while not (letters := await here.transport.letters.all()):
            await asyncio.sleep(0.01)
        (letter,) = letters
        assert (letter.to, letter.reason) == ("worker", "5 lives of worker ended over it")
        told = letter.told()
        assert (told["entry"], told["to"], told["event"]) == (letter.entry, "worker", letter.event)
        assert letter.event["id"] == poison.id
        await here.transport.letters.retry(letter.entry)
        assert (await anext(box)).id == poison.id
    assert not await here.transport.letters.all()
    with pytest.raises(NotDead):
        await here.transport.letters.retry(letter.entry)


async def test_a_conversation_has_one_holder(household: Household) -> None:
    """Whoever comes second is refused, and the first goes on."""
    first = household.start("first", sessions=("s",))
    await first.knows()
    second = household.start("second", sessions=("s",))
    with pytest.raises(ExceptionGroup) as caught:
        await second.task
    assert caught.group_contains(SessionTaken, match="first holds the conversation s")
    await first.knows()


async def test_the_name_of_a_process_that_died_on_this_machine_is_free_at_once(server, prefix: str) -> None:
    """It is not waited until it counts as silent."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    about = {"version": "1", "services": (), "serves": (), "wants": {}, "sessions": (), "machine": "m"}
    transport = RedisTransport(server.url, "here", prefix=prefix, alive_s=3600)
    await transport.presence.announce(Node(name="here", token="1", pid=gone.pid, **about))
    nodes = await transport.presence.announce(Node(name="here", token="2", pid=1, **about))
    await transport.close()
    assert nodes["here"].token == "2"


async def test_what_a_worker_missed_while_it_was_away_it_finds_when_it_returns(household: Household) -> None:
    """Facts are kept for who works for conversations, in order."""
    bus = Bus()
    bus.subscribe(TextEntered, name="memory")
    there = household.start("worker", bus=bus, services=("memory",))
    here = household.start("home", sessions=("s",))
    await here.knows("worker")
    await there.end()
    await here.knows()
    sent = [here.publish(TextEntered, text=str(number), speak=False) for number in range(10)]
    bus = Bus()
    kept = Mailbox(bus, bus.subscribe(TextEntered, name="memory"))
    household.start("worker", bus=bus, services=("memory",), life=2)
    async with asyncio.timeout(30):
        assert [await anext(kept) for _ in sent] == sent


async def test_what_a_killed_worker_had_begun_is_not_said_twice(household: Household) -> None:
    """Its next life finds the request in its log and begins anew; the words that came before are the only ones."""
    there, box = worker(household, "worker")
    here = await owner(household, "worker")
    heard = watch(here.bus, TextEntered)
    request = ask(here)
    here.bus.publish(request)

    async def speak(process: Process, mailbox: Mailbox) -> None:
        assert await anext(mailbox) == request
        piece = process.stamp(LlmDelta, request=request.id, index=0, text="once", turn=1)
        process.bus.publish(piece.model_copy(update={"cause": request.id}))
        await process.transport.flushed()

    async with asyncio.timeout(30):
        await speak(there, box)
        assert (await anext(here.answers)).text == "once"  # type: ignore[attr-defined]
        while "text.entered" not in here.link.nodes["home"].wants:
            await asyncio.sleep(0.01)
        here.link._meet = lambda _: None  # type: ignore[method-assign]  # it does not notice
        await there.end()
        while "worker" in await here.transport.living():
            await asyncio.sleep(0.01)
        again, box = worker(household, "worker", life=2)
        await speak(again, box)
        last = again.stamp(TextEntered, text="end", speak=False).model_copy(update={"cause": request.id})
        again.bus.publish(last)
        await again.transport.flushed()
        assert (await anext(heard)).id == last.id
    assert not here.answers.queued  # type: ignore[attr-defined]
