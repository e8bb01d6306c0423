"""While a person speaks the model reads ahead and what can wait stands still; no bit of a strict answer changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.llm import LlmService
from services.llm.engines.llama import LlamaEngine
from services.llm.engines.llama_model import LlamaModel
from services.testing import Bench, running
from shared.clock import SystemClock
from shared.events import (
    LlmPrepare,
    LlmResponse,
    Message,
    ModelLoaded,
    ServiceCrashed,
    SttCancel,
    SttFinal,
    SttStart,
)
from tests.kit import gguf_models
from tests.services.llm.conftest import Folder, answered, ask, entry, serving
from tests.services.llm.test_together import SETTINGS, STAMP, Held, fresh, told, wish

PAST = ("You are kind. " * 8, "I am, and brief.")


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in which batching and chunking show in the bits."""
    return gguf_models.write_exact(tmp_path_factory.mktemp("gguf") / "exact.gguf")


@pytest.fixture
def engine() -> LlamaEngine:
    return LlamaEngine()


@pytest.fixture
async def model(engine: LlamaEngine, exact: Path) -> AsyncIterator[LlamaModel]:
    model = await engine.open(entry(exact), SETTINGS, SystemClock())
    yield model
    await model.close()


def conversation(asked: str) -> tuple[Message, ...]:
    roles = ("user", "assistant", "user")
    return tuple(Message(role=roles[i], content=text) for i, text in enumerate((*PAST, asked)) if text)


async def prepared(model: LlamaModel, *understood: str, mode: str = "fast") -> None:
    """Somebody speaks, and this is understood of it, one after the other."""
    for said in understood:
        wanted = STAMP(LlmPrepare, turn=1, messages=conversation(said), tools=(), max_tokens=12, mode=mode)
        await model.prepare(wanted).outcome()


async def asked(model: LlamaModel, question: str, mode: str = "fast") -> tuple[object, int, int, int]:
    """The answer's text and chances, and how much of its prompt was known, of that read ahead, and in all."""
    answer = model.answer(wish("", messages=conversation(question), mode=mode))
    text = "".join([piece async for piece in answer])
    outcome = await answer.outcome()
    usage = outcome.usage
    return (text, outcome.chances), usage.cached_tokens, usage.prepared_tokens, usage.prompt_tokens


async def test_what_was_read_ahead_is_known_when_the_question_comes(model: LlamaModel) -> None:
    """All but the words that were not said yet, and what stands after them in the template."""
    await prepared(model, "", "Tell me", "Tell me a story")
    _, cached, ahead, prompt = await asked(model, "Tell me a story about the sea")
    rest = len(" about the sea") + len("\n") + 2 + len("assistant\n")
    assert (cached, ahead) == (prompt - rest, prompt - rest)
    _, cached, ahead, _ = await asked(model, "Tell me a story about the sea")
    assert cached > 0
    assert ahead == 0, "only the first request after it counts it as saved"


async def test_words_that_recognition_takes_back_are_taken_back(model: LlamaModel) -> None:
    await prepared(model, "Tell me a story", "Tell them nothing")
    _, cached, ahead, prompt = await asked(model, "Tell them all")
    rest = len("all") + len("\n") + 2 + len("assistant\n")
    assert cached == ahead == prompt - rest


async def test_a_strict_answer_has_the_same_bits_after_reading_ahead(model: LlamaModel, exact: Path) -> None:
    """It is rolled back to whole chunks of what is common."""
    alone = await LlamaEngine().open(entry(exact), SETTINGS, SystemClock())
    expected = (await asked(alone, "Tell me a story about the sea", "strict"))[0]
    await alone.close()
    await prepared(model, "Tell them all", "Tell me a story", mode="strict")
    found, cached, ahead, _ = await asked(model, "Tell me a story about the sea", "strict")
    assert found == expected
    assert cached == ahead == 160
    await prepared(model, "Tell me a story about", mode="fast")
    assert (await asked(model, "Tell me a story about the sea", "strict"))[0] == expected


async def test_background_work_stands_still_while_somebody_speaks(
    engine: LlamaEngine, model: LlamaModel, exact: Path
) -> None:
    """An urgent answer is given meanwhile; afterwards the background one goes on as if nothing had been."""
    slow = wish("Write a long story", max_tokens=40, mode="strict", priority="background")
    expected = await fresh(exact, slow)
    held = Held(model)
    background = asyncio.create_task(told(model, slow))
    await held.reached()
    engine.cores.take("s")
    held.let_go()
    await told(model, wish("Quick!", max_tokens=20))
    await prepared(model, "Tell me")
    assert not background.done()
    late = await model.answer(wish("Too late", priority="background", deadline_ms=1)).outcome()
    assert late.finish == "deadline", "though nothing is computed that it could wait for"
    engine.cores.release("s")
    assert (await background)[:2] == expected


async def test_a_question_ends_what_is_being_read_ahead(model: LlamaModel) -> None:
    held = Held(model)
    long = STAMP(LlmPrepare, turn=1, messages=conversation("word " * 100), tools=(), max_tokens=12)
    ahead = model.prepare(long)
    await held.reached()
    answer = asyncio.create_task(told(model, wish("Quick!", max_tokens=2)))
    await held.heard()
    held.let_go()
    assert (await ahead.outcome()).finish == "cancelled"
    await answer


def start(bench: Bench, utterance: str = "u1") -> None:
    bench.publish(SttStart, turn=1, utterance=utterance, from_sample=0, language="en")


def prepare(bench: Bench, *contents: str) -> None:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[i % 2], content=c) for i, c in enumerate(contents))
    bench.publish(LlmPrepare, turn=1, messages=messages, tools=(), max_tokens=40)


def final(bench: Bench) -> None:
    fields = {"words": (), "language": "en", "confidence": 1.0, "trusted": True, "mode": "dictation"}
    samples = {"start_sample": 0, "until_sample": 1, "decode_ns": 1}
    bench.publish(SttFinal, turn=1, utterance="u1", text="Tell me a story", engine="test", **fields, **samples)


async def test_the_response_says_what_reading_ahead_saved(random_model: Path) -> None:
    service = LlmService(SETTINGS, Folder(random_model), LlamaEngine())
    async with running(service) as bench:
        await bench.next(ModelLoaded)
        start(bench)
        prepare(bench, "Tell me a")
        while "test" not in service._listening._ahead:
            await asyncio.sleep(0)
        await service._listening._ahead["test"].outcome()
        final(bench)
        response = await answered(bench, "Tell me a story", max_tokens=2)
    assert response.usage.prepared_tokens == 1 + len("user\nTell me a")


@pytest.mark.parametrize("end", ["final", "cancel", "crash"])
async def test_background_answers_come_when_the_utterance_is_over(random_model: Path, end: str) -> None:
    async with serving(random_model) as bench:
        await bench.next(ModelLoaded)
        start(bench)
        ask(bench, "Sing", priority="background", turn=0, max_tokens=2)
        urgent = ask(bench, "Quick", max_tokens=2)
        assert (await bench.next(LlmResponse)).request == urgent.id
        if end == "final":
            final(bench)
        elif end == "cancel":
            bench.publish(SttCancel, turn=1, utterance="u1")
        else:
            bench.publish(ServiceCrashed, turn=0, service="stt", error="it broke", handling=None)
        assert (await bench.next(LlmResponse)).finish == "length"


async def test_nothing_is_read_ahead_once_the_utterance_is_over(random_model: Path) -> None:
    async with serving(random_model) as bench:
        await bench.next(ModelLoaded)
        start(bench)
        final(bench)
        prepare(bench, "Tell me a")
        response = await answered(bench, "Tell me a story", max_tokens=2)
    assert response.usage.prepared_tokens == response.usage.cached_tokens == 0
