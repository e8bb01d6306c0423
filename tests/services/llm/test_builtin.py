"""A model of our own answers while no other can, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.llm import LlmService, builtin
from services.llm.engines.llama import LlamaEngine
from services.testing import running
from shared.events import ModelLoad, ModelLoaded, ServiceDegraded
from tests.services.llm.conftest import SETTINGS, Folder, answered

Write = Callable[..., Path]

WITH = SETTINGS.model_copy(update={"builtin": True})


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
