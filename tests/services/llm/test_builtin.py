"""A model of our own answers while no other can, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.llm import LlmService, builtin
from services.llm.engines.llama import LlamaEngine
from services.testing import running
from shared.events import LlmFailed, LlmResponse, ModelLoad, ModelLoaded, Remembered, ServiceDegraded, Structure
from tests.kit import gguf_models
from tests.services.llm.conftest import SETTINGS, Folder, answered, ask, serving

Write = Callable[..., Path]

WITH = SETTINGS.model_copy(update={"builtin": True})
FACT = {
    "id": "1",
    "what": "fact",
    "text": "My bike code is 4512.",
    "key": "my bike code",
    "value": "4512",
    "at": 0,
    "session": "s",
    "turn": 1,
    "speaker": "",
    "source": "",
    "place": "",
    "score": 1.0,
}


@pytest.fixture
def ours(scripted: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model where ours is looked for."""
    path = scripted("Ours", ".", name="ours")
    monkeypatch.setattr(builtin, "FILE", path)
    return path


async def test_it_answers_while_no_other_is_installed(ours: Path) -> None:
    async with running(LlmService(WITH, Folder(), LlamaEngine())) as bench:
        assert (await answered(bench, "Hello?")).text == "Ours."
        assert [event.name for event in bench.log if isinstance(event, ModelLoaded)] == [builtin.NAME]


async def test_any_other_comes_before_it(ours: Path, scripted: Write) -> None:
    async with running(LlmService(WITH, Folder(scripted("Theirs", ".")), LlamaEngine())) as bench:
        assert (await answered(bench, "Hello?")).text == "Theirs."


async def test_it_takes_the_place_of_one_that_cannot_be_opened(ours: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF and nothing more")
    async with running(LlmService(WITH, Folder(damaged), LlamaEngine())) as bench:
        assert (await answered(bench, "Hello?")).text == "Ours."


async def test_it_talks_and_does_nothing_else_unasked(ours: Path) -> None:
    """Who wants JSON, work in the background, a document read, or text without a conversation hears that there is no
    model; who names it gets it.
    """
    passage = Remembered(**{**FACT, "what": "document"})
    async with running(LlmService(WITH, Folder(), LlamaEngine())) as bench:
        for other in (
            {"structure": Structure(choices=("Yes",))},
            {"priority": "background"},
            {"recalled": (passage,)},
            {"turn": 0},
        ):
            ask(bench, "Hello?", **other)
            ended = await bench.next(LlmResponse, LlmFailed)
            assert isinstance(ended, LlmFailed)
            assert ended.reason == "no-model"
            assert "sotto models pull" in ended.message
        assert (await answered(bench, "Hello?", turn=0, model=builtin.NAME)).text == "Ours."
        assert (await answered(bench, "Hello?", recalled=(Remembered(**FACT),))).text == "Ours."


async def test_it_does_nothing_else_for_one_that_cannot_be_opened(ours: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.gguf"
    empty.touch()
    async with serving(empty, settings=WITH) as bench:
        ask(bench, "Extract!", priority="background")
        assert "is empty (0 bytes)" in (await bench.next(LlmFailed)).message
        assert (await answered(bench, "Hello?")).text == "Ours."


async def test_it_talks_english_alone(ours: Path) -> None:
    async with running(LlmService(WITH.model_copy(update={"language": "de"}), Folder(), LlamaEngine())) as bench:
        assert "No language model is installed" in (await bench.next(ServiceDegraded)).reason


async def test_it_can_be_chosen_by_its_name(ours: Path, scripted: Write) -> None:
    async with running(LlmService(WITH, Folder(scripted("Theirs", ".")), LlamaEngine())) as bench:
        await bench.next(ModelLoaded)
        bench.publish(ModelLoad, session="", role="llm", name=builtin.NAME, engine="llama-cpp")
        assert (await bench.next(ModelLoaded)).name == builtin.NAME
        assert (await answered(bench, "Hello?")).text == "Ours."


async def test_it_can_be_switched_off(ours: Path) -> None:
    async with running(LlmService(SETTINGS, Folder(), LlamaEngine())) as bench:
        assert "No language model is installed" in (await bench.next(ServiceDegraded)).reason


async def test_where_none_was_made_the_person_is_told_how_to_get_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtin, "FILE", tmp_path / "none.gguf")
    async with running(LlmService(WITH, Folder(), LlamaEngine())) as bench:
        assert "sotto models pull" in (await bench.next(ServiceDegraded)).reason


async def test_a_file_that_tells_the_form_of_its_answers_gives_no_others(tmp_path: Path) -> None:
    """What is drawn from random weights at a high temperature is anything else."""
    path = gguf_models.write_random(tmp_path / "formed.gguf", form='root ::= " Yes." | " No."\n')
    async with running(LlmService(SETTINGS, Folder(path), LlamaEngine())) as bench:
        said = {(await answered(bench, "Well?", temperature=2.0, seed=seed)).text.strip() for seed in range(8)}
    assert said == {"Yes.", "No."}


async def test_a_file_whose_form_leaves_words_open_copies_those_that_were_said(tmp_path: Path) -> None:
    path = gguf_models.write_random(tmp_path / "formed.gguf", form='root ::= " " heard\n')
    async with running(LlmService(SETTINGS, Folder(path), LlamaEngine())) as bench:
        said = {(await answered(bench, "Ljubljana, 4711!", temperature=2.0, seed=seed)).text for seed in range(6)}
    assert said <= {"Ljubljana", "ljubljana", "4711"}


async def test_the_form_a_request_asks_for_goes_before_that_of_the_file(tmp_path: Path) -> None:
    path = gguf_models.write_random(tmp_path / "formed.gguf", form='root ::= " Yes." | " No."\n')
    async with running(LlmService(SETTINGS, Folder(path), LlamaEngine())) as bench:
        assert (await answered(bench, "Well?", structure=Structure(choices=("Perhaps.",)))).text == "Perhaps."


async def test_the_delivered_one_says_who_it_is_and_keeps_a_name() -> None:
    async with running(LlmService(WITH, Folder(), LlamaEngine())) as bench:
        assert "Sotto" in (await answered(bench, "Who are you?")).text
        told = ("My name is Anna.", "Nice to meet you, Anna!", "What is my name?")
        assert (await answered(bench, *told)).text.strip() == "Your name is Anna."
