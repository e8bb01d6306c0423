"""Many requests beside each other: exact when asked, urgent ones first, bounded, and none disturbed by another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from services.llm import LanguageModel, LlmSettings
from services.llm.engines.abort import AbortFlag
from services.llm.engines.llama import LlamaEngine
from services.llm.engines.llama_model import LlamaModel
from services.llm.engines.pool import Extension
from services.testing import Bench
from shared.clock import SystemClock
from shared.events import LlmDelta, LlmFailed, LlmRequest, LlmResponse, ModelLoaded, Stamp
from shared.ids import id_source
from tests.kit import gguf_models
from tests.services.llm.conftest import answered, ask, entry, serving

Write = Callable[..., Path]

STAMP = Stamp("test", SystemClock(), id_source("test-"), "test")
SETTINGS = LlmSettings(threads=1, cache_mb=0, prefix_disk_mb=0, sequences=4, context_tokens=1024, prefill_chunk=32)

WIDE = SETTINGS.model_copy(update={"context_tokens": 4096})


def wish(text: str, **fields: object) -> LlmRequest:
    """A request to go on from a text."""
    values = {"messages": (), "tools": (), "max_tokens": 12, "temperature": 0.0, "seed": 1, "stop": (), "logprobs": 3}
    return STAMP(LlmRequest, prompt=text, **{"turn": 0, **values, **fields})


async def told(model: LanguageModel, request: LlmRequest) -> tuple[str, tuple[object, ...], int]:
    """The answer's text, its tokens with their chances to the last bit, and how much of the prompt was known."""
    answer = model.answer(request)
    text = "".join([piece async for piece in answer])
    outcome = await answer.outcome()
    return text, outcome.chances, outcome.usage.cached_tokens


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in which batching and chunking show in the bits."""
    return gguf_models.write_exact(tmp_path_factory.mktemp("gguf") / "exact.gguf")


@pytest.fixture
async def model(exact: Path) -> AsyncIterator[LanguageModel]:
    model = await LlamaEngine().open(entry(exact), SETTINGS, SystemClock())
    yield model
    await model.close()


async def fresh(path: Path, request: LlmRequest, settings: LlmSettings = SETTINGS) -> tuple[str, tuple[object, ...]]:
    """What a model says that was opened for this request alone."""
    model = await LlamaEngine().open(entry(path), settings, SystemClock())
    try:
        return (await told(model, request))[:2]
    finally:
        await model.close()


async def test_a_strict_answer_is_the_same_alone_and_in_a_crowd(model: LanguageModel, exact: Path) -> None:
    """Beside fast and strict neighbours, in whatever place, known before or not, from settings with other places."""
    request = wish("The sea is wide and deep. " * 4, mode="strict")
    expected = await fresh(exact, request)
    crowd = [wish(f"{i} other things " * (i + 1), mode=("fast", "strict")[i % 2], max_tokens=20) for i in range(6)]
    answers = await asyncio.gather(*(told(model, r) for r in (*crowd[:3], request, *crowd[3:])))
    assert answers[3][:2] == expected
    again = await told(model, request)
    assert again[:2] == expected
    assert again[2] == 96, "whole chunks of the prompt were known"
    single = SETTINGS.model_copy(update={"sequences": 1})
    assert await fresh(exact, request, single) == expected


async def test_fast_answers_share_steps_and_all_end(model: LanguageModel) -> None:
    requests = [wish(f"{i} green bottles", max_tokens=5 + i) for i in range(7)]
    answers = await asyncio.gather(*(told(model, r) for r in requests))
    assert [len(chances) for _, chances, _ in answers] == [5 + i for i in range(7)]


async def test_a_prompt_that_begins_like_one_under_way_is_not_evaluated_twice(model: LanguageModel) -> None:
    """What a neighbour has evaluated is copied, and the strict answer from it is that of a fresh model."""
    beginning = "You are kind and brief. " * 8
    first = model.answer(wish(beginning + "One.", max_tokens=400, mode="strict"))
    pieces = aiter(first)
    await anext(pieces)
    _, _, known = await told(model, wish(beginning + "Two.", mode="strict"))
    assert known == 192 // 32 * 32
    first.cancel()
    await first.outcome()


@pytest.mark.parametrize("mode", ["fast", "strict"])
async def test_prompts_that_begin_alike_and_come_together_are_evaluated_once(model: LanguageModel, mode: str) -> None:
    """A question that comes while the instructions before it are being read waits for them."""
    beginning = "You are kind and brief. " * 8
    warm = told(model, wish(beginning, max_tokens=0, mode=mode))
    asked = [told(model, wish(f"{beginning}{i}.", mode=mode)) for i in range(3)]
    _, *answers = await asyncio.gather(warm, *asked)
    assert all(known >= 160 for _, _, known in answers)


async def test_a_prefix_that_lost_its_place_comes_back(exact: Path) -> None:
    """With one place each prompt drives the other one out; the memory of prefixes has it, bit for bit."""
    settings = SETTINGS.model_copy(update={"sequences": 1})
    request = wish("Once upon a time there was a king. " * 3, mode="strict")
    expected = await fresh(exact, request, settings)
    model = await LlamaEngine().open(entry(exact), settings, SystemClock())
    try:
        assert (await told(model, request))[:2] == expected
        assert (await told(model, wish("Something else altogether. " * 3, mode="strict")))[2] == 0
        again = await told(model, request)
        assert again[:2] == expected
        assert again[2] == 96
    finally:
        await model.close()


async def test_a_prompt_that_was_read_is_known_to_the_next_process(exact: Path, tmp_path: Path) -> None:
    """From disk come the very same bits; what was said in a conversation is not there."""
    settings = SETTINGS.model_copy(update={"prefix_disk_mb": 16, "cache_folder": tmp_path})
    request = wish("Once upon a time there was a king. " * 3, mode="strict")
    said = wish("This is between you and me alone. " * 3, mode="strict", turn=1)
    expected = await fresh(exact, request, settings)
    for known in (96, 96):
        model = await LlamaEngine().open(entry(exact), settings, SystemClock())
        assert await told(model, request) == (*expected, known)
        assert (await told(model, said))[2] == 0
        await model.close()
    other = settings.model_copy(update={"prefill_chunk": 16})
    model = await LlamaEngine().open(entry(exact), other, SystemClock())
    assert (await told(model, request))[2] == 0, "its chunks are others, and so are its bits"
    await model.close()


async def test_what_is_to_be_forgotten_is_not_known_any_more(exact: Path, tmp_path: Path) -> None:
    """In its place, in memory, on disk, and in an answer that is being given."""
    settings = SETTINGS.model_copy(update={"prefix_disk_mb": 16, "cache_folder": tmp_path, "sequences": 2})
    engine = LlamaEngine()
    model = await engine.open(entry(exact), settings, SystemClock())
    prompts = [wish(f"{i} Once upon a time there was a king. " * 3, mode="strict") for i in range(4)]
    for request in prompts:
        await told(model, request)
    held = Held(model)
    speaking = asyncio.create_task(told(model, prompts[0]))
    await held.reached()
    forgetting = asyncio.create_task(engine.forget(settings))
    await held.heard()
    held.let_go()
    assert await forgetting >= 4
    await speaking
    assert [(await told(model, request))[2] for request in prompts] == [0, 0, 0, 0]
    assert await engine.forget(settings) > 0
    await model.close()
    assert list(tmp_path.rglob("*.state")) == []


@pytest.mark.parametrize("sequences", [1, 4])
async def test_an_urgent_answer_goes_first_and_background_work_goes_on_as_if_nothing_had_been(
    exact: Path, sequences: int
) -> None:
    """Also where there is but one place: its state is put aside for the urgent one."""
    settings = SETTINGS.model_copy(update={"sequences": sequences})
    slow = wish("Write a long story", max_tokens=40, mode="strict", priority="background")
    expected = await fresh(exact, slow, settings)
    model = await LlamaEngine().open(entry(exact), settings, SystemClock())
    try:
        held = Held(model)
        order: list[str] = []
        background = asyncio.create_task(told(model, slow))
        background.add_done_callback(lambda _: order.append("background"))
        await held.reached()
        urgent = asyncio.create_task(told(model, wish("Quick!", max_tokens=20)))
        urgent.add_done_callback(lambda _: order.append("urgent"))
        await held.heard()
        held.let_go()
        answers = await asyncio.gather(background, urgent)
        assert order == ["urgent", "background"]
        assert answers[0][:2] == expected
    finally:
        await model.close()


class Held:
    """Holds the engine's thread in its tenth step, so that what comes meanwhile comes in the middle of an answer."""

    def __init__(self, model: LlamaModel) -> None:
        self._heard = model._scheduler._heard
        self._pool = model._opened.pool
        self._step, self._steps = self._pool.step, count(1)
        self._reached, self._go = threading.Event(), threading.Event()
        self._pool.step = self._held_step  # type: ignore[method-assign]

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 30)

    async def heard(self) -> None:
        """Wait until another request lies before the engine."""
        while self._heard.empty():
            await asyncio.sleep(0)

    def let_go(self) -> None:
        self._go.set()

    def _held_step(self, extensions: Sequence[Extension], flag: AbortFlag, *, quietly: bool) -> list[int]:
        if next(self._steps) == 10:
            self._reached.set()
            assert self._go.wait(30)
        return self._step(extensions, flag, quietly=quietly)


async def test_an_answer_that_is_late_ends_where_it_is(random_model: Path) -> None:
    async with serving(random_model) as bench:
        late = await answered(bench, "Talk", max_tokens=3000, deadline_ms=1)
        after = await answered(bench, "And now?", max_tokens=3)
    assert late.finish == "deadline"
    assert late.usage.completion_tokens < 3000
    assert after.finish == "length"


async def test_a_cancelled_answer_leaves_its_neighbours_alone(random_model: Path) -> None:
    async with serving(random_model, settings=WIDE) as bench:
        ask(bench, "Talk without end", max_tokens=3000, turn=1)
        other = ask(bench, "Count the stars", max_tokens=60, turn=2)
        await bench.next(LlmDelta)
        bench.bus.fence("test", 2)
        ended = [await bench.next(LlmResponse) for _ in range(2)]
    by_turn = {response.turn: response for response in ended}
    assert by_turn[1].finish == "cancelled"
    assert (by_turn[2].finish, by_turn[2].request) == ("length", other.id)
    assert by_turn[2].usage.completion_tokens == 60


async def test_more_requests_than_may_wait_are_refused_and_the_others_go_on(random_model: Path) -> None:
    async with serving(random_model, settings=WIDE.model_copy(update={"waiting": 5})) as bench:
        await bench.next(ModelLoaded)
        asked = [ask(bench, f"{i}", max_tokens=3000).id for i in range(8)]
        refused = [await bench.next(LlmFailed) for _ in range(3)]
        bench.bus.fence("test", 2)
        while isinstance(after := await _end_of(bench, ask(bench, "And now?", max_tokens=2, turn=2).id), LlmFailed):
            assert after.reason == "overloaded", "only until the fenced ones have ended"
    assert [(e.request, e.reason) for e in refused] == [(id, "overloaded") for id in asked[5:]]


async def _end_of(bench: Bench, request: str) -> LlmResponse | LlmFailed:
    """The end of that request, whatever else ends before it."""
    while (ended := await bench.next(LlmResponse, LlmFailed)).request != request:
        pass
    return ended


async def test_several_answers_to_one_request(random_model: Path) -> None:
    """Each is drawn with a seed of its own, the first as if it were alone; deltas say which they belong to."""
    async with serving(random_model, settings=SETTINGS) as bench:
        alone = await answered(bench, "Hi", temperature=1.5, seed=7, max_tokens=8, mode="strict")
        second = await answered(bench, "Hi", temperature=1.5, seed=8, max_tokens=8, mode="strict")
        both = await answered(bench, "Hi", temperature=1.5, seed=7, max_tokens=8, mode="strict", n=2)
    assert both.text == alone.text
    assert [choice.text for choice in both.more] == [second.text]
    assert both.usage.completion_tokens == 16
    deltas = [e for e in bench.log if isinstance(e, LlmDelta) and e.request == both.request]
    assert [d.index for d in deltas] == list(range(len(deltas)))
    assert "".join(d.text for d in deltas if d.choice == 1) == second.text


async def test_the_fingerprint_names_the_file_and_the_mode(random_model: Path, tmp_path: Path) -> None:
    other = gguf_models.write_random(tmp_path / "random.gguf", seed=1)

    async def fingerprint(bench: Bench, mode: str) -> str:
        return (await answered(bench, "Hi", max_tokens=1, mode=mode)).fingerprint

    async with serving(random_model) as bench:
        strict = await fingerprint(bench, "strict")
        assert strict == await fingerprint(bench, "strict")
        fast = await fingerprint(bench, "fast")
        assert strict != fast != ""
        ask(bench, "Talk without end", max_tokens=3000, turn=1)
        await bench.next(LlmDelta)
        bench.bus.fence("test", 2)
        cancelled = await bench.next(LlmResponse)
        assert (cancelled.finish, cancelled.fingerprint) == ("cancelled", fast)
    async with serving(other) as bench:
        assert strict != await fingerprint(bench, "strict") != ""
    async with serving(random_model, settings=SETTINGS.model_copy(update={"flash_attention": "off"})) as bench:
        assert strict != await fingerprint(bench, "strict") != "", "it rounds otherwise"


async def test_a_closed_model_answers_nothing_more(exact: Path) -> None:
    model = await LlamaEngine().open(entry(exact), SETTINGS, SystemClock())
    answer = model.answer(wish("Go on", max_tokens=900))
    await anext(aiter(answer))
    await model.close()
    assert (await answer.outcome()).finish == "cancelled"
