"""The llama.cpp engine's own life: opened, used, let go, with no thread and no memory left behind."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from services.llm import LlmSettings, ModelUnusable
from services.llm.engines.llama import LlamaEngine, Vocabulary
from services.llm.port import InvalidRequest
from shared.clock import SystemClock
from shared.events import LlmDelta, LlmResponse
from shared.installed import InstalledModel
from tests.kit import gguf_models
from tests.services.llm.conftest import SETTINGS, answered, ask, entry, serving

Write = Callable[..., Path]


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("llama")]


async def ended(threads: list[threading.Thread]) -> bool:
    """Wait until the threads have ended."""
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    return not any(thread.is_alive() for thread in threads)


async def test_stopping_in_the_middle_of_an_answer_says_so_and_ends_the_thread(random_model: Path) -> None:
    async with serving(random_model) as bench:
        ask(bench, "Talk without end", max_tokens=3000)
        await bench.next(LlmDelta)
        threads = engine_threads()
    response = next(bench.bus.replay(None, LlmResponse))
    assert isinstance(response, LlmResponse)
    assert response.finish == "cancelled"
    assert threads
    assert await ended(threads)


async def test_a_model_nobody_waits_for_any_more_is_let_go(random_model: Path) -> None:
    opening = asyncio.create_task(LlamaEngine().open(entry(random_model), SETTINGS, SystemClock()))
    while not (threads := engine_threads()):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert await ended(threads)


async def test_a_model_in_parts_is_another_one_when_one_of_them_is(tmp_path: Path) -> None:
    """Named by the path of its first part; nothing that is remembered of the one it was is told."""
    first, other = (gguf_models.write_random(tmp_path / f"{i}.gguf", seed=i, part_tensors=8) for i in (1, 2))
    settings = LlmSettings(threads=1, model=str(first), cache_folder=tmp_path / "kept", prefill_chunk=16)
    wanted = {"mode": "strict", "max_tokens": 4, "turn": 0}
    responses = []
    for _ in range(2):
        async with serving(settings=settings) as bench:
            responses += [await answered(bench, "Once upon a time there was a king", **wanted) for _ in range(2)]
        await asyncio.to_thread(shutil.copyfile, _second(other), _second(first))
    assert [response.cached for response in responses] == [False, True, False, True]
    assert [response.usage.cached_tokens for response in responses] == [0] * 4
    assert len({response.fingerprint for response in responses}) == 2


def _second(first: Path) -> Path:
    return first.with_name(first.name.replace("-00001-", "-00002-"))


async def test_a_model_can_be_closed_twice(random_model: Path) -> None:
    model = await LlamaEngine().open(entry(random_model), SETTINGS, SystemClock())
    await model.close()
    await model.close()


async def test_a_template_that_is_none_is_refused_and_nothing_stays_open(tmp_path: Path) -> None:
    path = gguf_models.write_random(tmp_path / "broken.gguf", template="{% for %}")
    with pytest.raises(ModelUnusable, match="template"):
        await LlamaEngine().open(entry(path), SETTINGS, SystemClock())
    assert await ended(engine_threads())


async def test_an_entry_without_its_file_is_refused(tmp_path: Path) -> None:
    gone = InstalledModel("llm", "gone", "llama-cpp", tmp_path, (tmp_path / "gone.gguf",), ())
    with pytest.raises(ModelUnusable, match="cannot be read"):
        await LlamaEngine().open(gone, SETTINGS, SystemClock())


async def test_a_model_without_a_template_speaks_chatml(tmp_path: Path) -> None:
    path = gguf_models.write_scripted(tmp_path / "plain.gguf", ["Hello", "."], template=None)
    async with serving(path) as bench:
        assert (await answered(bench, "Hi")).text == "Hello."


async def test_no_tokens_asked_for_evaluates_the_prompt_and_says_nothing(scripted: Write) -> None:
    """So that the instructions and tools of a conversation can be evaluated before the person speaks."""
    async with serving(scripted("Hello", ".")) as bench:
        warm = await answered(bench, "You are kind.", max_tokens=0)
        first = await answered(bench, "You are kind.")
    assert (warm.text, warm.finish, warm.usage.completion_tokens) == ("", "length", 0)
    assert first.usage.cached_tokens == first.usage.prompt_tokens - 1


def test_a_sentencepiece_vocabulary_is_read_without_the_weights(tmp_path: Path) -> None:
    """Words with their spaces, and characters in bytes where it has no piece for them."""
    path = gguf_models.write_random(tmp_path / "spm.gguf", template=None, vocabulary=gguf_models.SentencePieces())
    vocabulary = Vocabulary(entry(path))
    pieces = [vocabulary.piece(token) for token in vocabulary.tokens("the sea ß")]
    vocabulary.close()
    assert pieces == [b" the", b" sea", b" ", b"\xc3", b"\x9f"]


@pytest.mark.parametrize("pieces", [gguf_models.Vocabulary([b"th"], ["<tool_call>"]), gguf_models.SentencePieces()])
@pytest.mark.parametrize(
    "text",
    ["", "a", "the sea ß", "  two  spaces and\n\n lines\t", "größer, 漢字 and 🙂 .", "</s> the<|im_end|>a <s></s>  b"],
)
def test_tokens_say_the_text_that_was_cut_into_them(
    tmp_path: Path, pieces: gguf_models.Vocabulary | gguf_models.SentencePieces, text: str
) -> None:
    vocabulary = Vocabulary(entry(gguf_models.write_random(tmp_path / "model.gguf", vocabulary=pieces)))
    assert vocabulary.text(vocabulary.tokens(text)) == text
    with pytest.raises(InvalidRequest, match="Its tokens are 0 to"):
        vocabulary.text([-1])
    vocabulary.close()


async def test_a_prompt_begins_as_its_vocabulary_wants(tmp_path: Path) -> None:
    path = gguf_models.write_random(tmp_path / "spm.gguf", template=None, vocabulary=gguf_models.SentencePieces())
    async with serving(path) as bench:
        response = await answered(bench, messages=(), prompt="the sea ß", max_tokens=4)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (6, 4)
