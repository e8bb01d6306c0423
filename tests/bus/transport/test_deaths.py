"""What the death of a process costs the others: nothing that another one can still do, and nothing twice."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass

import pytest

from bus import Bus, Mailbox, Subscription
from bus.transport import NotDead
from shared.events import Event, LlmDelta, LlmRequest, ServiceCrashed, ServiceReady, TextEntered, ToolCall
from tests.bus.transport.conftest import Household, Process, answer, ask, households, owner, watch, worker
from tests.kit.redis_server import redis_server


@dataclass
class Asked:
    """A request that one of two workers has in hand."""

    here: Process
    request: LlmRequest
    has: Process
    other: Process
    taken: asyncio.Task[Event]
    """What the other one gets."""


async def asked(household: Household) -> Asked:
    """Ask, and look who has got it."""
    workers = {name: worker(household, name) for name in ("left", "right")}
    here = await owner(household, *workers)
    request = ask(here)
    here.bus.publish(request)
    taken = {name: asyncio.create_task(anext(box)) for name, (_, box) in workers.items()}
    done, _ = await asyncio.wait(taken.values(), return_when=asyncio.FIRST_COMPLETED, timeout=30)
    has, other = sorted(taken, key=lambda name: taken[name] not in done)
    return Asked(here, request, workers[has][0], workers[other][0], taken[other])


async def test_what_a_dead_worker_had_in_hand_is_taken_over(household: Household) -> None:
    """By another one that can, as long as the dead one had said nothing."""
    case = await asked(household)
    await case.has.end()
    async with asyncio.timeout(30):
        assert await case.taken == case.request
        case.other.bus.publish(answer(case.other, case.request))
        assert (await anext(case.here.answers)).text == case.other.name


async def test_the_last_worker_s_death_is_told_as_a_crash(household: Household) -> None:
    """So that the person hears an apology, and the service's return is noticed."""
    there, _ = worker(household, "worker")
    here = await owner(household, "worker")
    told = watch(here.bus, ServiceCrashed)
    await there.end()
    async with asyncio.timeout(30):
        event = await anext(told)
    assert (event.service, event.error) == ("llm", "the process worker went away")


async def test_a_death_that_everybody_sees_each_tells_at_home(household: Household) -> None:
    """Who heard it of the others as well would apologise twice."""
    there, _ = worker(household, "worker")
    here = await owner(household, "worker")
    beside = Bus()
    told = [watch(here.bus, ServiceCrashed, TextEntered), watch(beside, ServiceCrashed, TextEntered)]
    other = household.start("other", bus=beside)
    await other.knows("home", "worker")
    await here.knows("other", "worker")
    await there.end()
    async with asyncio.timeout(30):
        for box in told:
            assert isinstance(await anext(box), ServiceCrashed)
        other.publish(TextEntered, text="what came before this is here", speak=False)
        assert isinstance(await anext(told[0]), TextEntered)


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
        assert (await anext(here.answers)).text == "once"
    return here, there


async def crashes(told: Subscription[ServiceCrashed]) -> set[str]:
    """The services of which a crash is told, all with the language model's; others may tell some too."""
    services = set[str]()
    async with asyncio.timeout(30):
        while "llm" not in services:
            services.add((await anext(told)).service)
    return services | {event.service for event in iter(told.take_nowait, None)}


async def test_a_death_is_told_as_a_crash_of_those_services_alone_that_lost_something(household: Household) -> None:
    """What another process runs too, and of which nothing was begun, costs nobody an apology."""
    here, there = await begun(household)
    told, ready = watch(here.bus, ServiceCrashed), watch(here.bus, ServiceReady)
    await there.end()
    assert await crashes(told) == {"llm", f"lamp-{there.name}"}
    assert [event.service for event in iter(ready.take_nowait, None)] == ["llm"]


async def test_a_death_that_was_not_noticed_is_told_of_what_was_begun_alone(household: Household) -> None:
    """All the rest runs there again."""
    here, there = await begun(household)
    told = watch(here.bus, ServiceCrashed)
    meet = here.link._meet
    here.link._meet = lambda _: None  # type: ignore[assignment]
    await there.end()
    async with asyncio.timeout(30):
        while there.name in await here.transport.living():
            await asyncio.sleep(0.01)
        all_in_one(household, there.name, life=2)
        while there.name not in await here.transport.living():
            await asyncio.sleep(0.01)
    here.link._meet = meet  # type: ignore[method-assign]
    assert await crashes(told) == {"llm"}


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
    assert await crashes(told) == {"llm"}
    here.bus.publish(ask(here))
    assert await crashes(told) == {"llm"}


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


async def test_who_was_taken_for_dead_is_not_heard(household: Household) -> None:
    """A worker that lost its request to another one says what it says to nobody."""
    case = await asked(household)
    case.has.link._announce = _never  # type: ignore[method-assign]
    async with asyncio.timeout(30):
        assert await case.taken == case.request
        case.has.bus.publish(answer(case.has, case.request))
        await case.has.transport.flushed()
        case.other.bus.publish(answer(case.other, case.request))
        assert (await anext(case.here.answers)).text == case.other.name
    assert not case.here.answers.queued


async def _never() -> None:
    """A process that was stopped says nothing."""


async def test_a_redis_that_forgets_costs_nothing(prefix: str) -> None:
    """Killed before it wrote down what it said yes to: neither a request nor its answer is lost, or comes twice."""
    with redis_server("--appendonly", "no") as server:
        async with households(server.url, prefix) as household:
            there, box = worker(household, "worker")
            here = await owner(household, "worker")
            first, second, third, fourth = (ask(here) for _ in range(4))
            here.bus.publish(first)
            async with asyncio.timeout(60):
                assert await anext(box) == first
                there.bus.publish(answer(there, first))
                assert (await anext(here.answers)).cause == first.id
                here.bus.publish(second)
                assert await anext(box) == second
                server.signal(signal.SIGSTOP)
                there.bus.publish(answer(there, second))
                here.bus.publish(third)
                server.kill()
                server.start()
                assert await anext(box) == third
                there.bus.publish(answer(there, third))
                here.bus.publish(fourth)
                assert await anext(box) == fourth
                there.bus.publish(answer(there, fourth))
                answers = [(await anext(here.answers)).cause for _ in range(3)]
                assert answers == [second.id, third.id, fourth.id]


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
        assert (await anext(here.answers)).text == "once"
        while "text.entered" not in here.link.nodes["home"].wants:
            await asyncio.sleep(0.01)
        here.link._meet = lambda _: None  # type: ignore[assignment]  # it does not notice
        await there.end()
        while "worker" in await here.transport.living():
            await asyncio.sleep(0.01)
        again, box = worker(household, "worker", life=2)
        await speak(again, box)
        last = again.stamp(TextEntered, text="end", speak=False).model_copy(update={"cause": request.id})
        again.bus.publish(last)
        await again.transport.flushed()
        assert (await anext(heard)).id == last.id
    assert not here.answers.queued
