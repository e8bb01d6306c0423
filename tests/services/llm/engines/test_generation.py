"""A generation: written by one thread, read by the event loop, nothing lost and nothing waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.llm import GenerationFailed, Outcome
from services.llm.engines.generation import Generation
from shared.events import Usage

DONE = Outcome(
    "stop",
    (),
    Usage(
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=1,
        dropped_messages=0,
        queue_ns=0,
        prefill_ns=0,
        decode_ns=0,
    ),
)


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


Run = Callable[[Callable[[Generation], Outcome]], Generation]


@pytest.fixture
def run(thread: ThreadPoolExecutor) -> Run:
    """Return a function that has a generation's work done in another thread."""

    def start(work: Callable[[Generation], Outcome]) -> Generation:
        generation = Generation()

        def whole() -> None:
            try:
                generation.settle(work(generation))
            except GenerationFailed as error:
                generation.fail(error)

        thread.submit(whole)
        return generation

    return start


async def test_a_piece_is_read_though_nothing_follows(run: Run) -> None:
    read = threading.Event()

    def work(generation: Generation) -> Outcome:
        for piece in ("one", "two", "three"):
            generation.write(piece)
            assert read.wait(10), "the piece was never read"
            read.clear()
        return DONE

    pieces = []
    generation = run(work)
    async for piece in generation:
        pieces.append(piece)
        read.set()
    assert pieces == ["one", "two", "three"]
    assert await generation.outcome() == DONE


async def test_pieces_that_nobody_reads_in_time_are_joined(run: Run) -> None:
    def work(generation: Generation) -> Outcome:
        for piece in ("one ", "", "two ", "three"):
            generation.write(piece)
        return DONE

    generation = run(work)
    await generation.outcome()
    assert [piece async for piece in generation] == ["one two three"]


async def test_many_pieces_all_arrive_in_order(run: Run) -> None:
    def work(generation: Generation) -> Outcome:
        for number in range(20_000):
            generation.write(f"{number} ")
        return DONE

    text = "".join([piece async for piece in run(work)])
    assert text.split() == [str(number) for number in range(20_000)]


async def test_what_was_said_before_a_failure_is_read_before_it(run: Run) -> None:
    def work(generation: Generation) -> Outcome:
        generation.write("half an ans")
        raise GenerationFailed("The engine broke.")

    pieces = aiter(run(work))
    assert await anext(pieces) == "half an ans"
    with pytest.raises(GenerationFailed):
        await anext(pieces)


async def test_cancelling_raises_the_flag_of_this_generation_alone(run: Run) -> None:
    first, second = run(lambda _: DONE), run(lambda _: DONE)
    first.cancel()
    assert (first.flag.raised, second.flag.raised) == (True, False)
    assert await second.outcome() == DONE


async def test_leaving_before_the_end_cancels(run: Run) -> None:
    """Closing the stream is enough: nobody computes for a reader who has gone."""
    left = threading.Event()

    def work(generation: Generation) -> Outcome:
        generation.write("once upon")
        assert left.wait(10)
        return DONE

    generation = run(work)
    pieces = aiter(generation)
    assert await anext(pieces) == "once upon"
    await pieces.aclose()  # type: ignore[attr-defined]
    assert generation.flag.raised
    left.set()
    await generation.outcome()


async def test_reading_to_the_end_raises_no_flag(run: Run) -> None:
    generation = run(lambda _: DONE)
    assert [piece async for piece in generation] == []
    assert not generation.flag.raised
