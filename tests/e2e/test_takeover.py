"""Models that arrive while the assistant runs are used from the next turn on; damaged ones are refused by name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.kit.gguf_models import write_random, write_scripted
from tests.kit.hub import Hub, serving
from tests.kit.terminal import ROOT, SOTTO, Terminal, home_of
from tests.services.tts.conftest import voice_config, voice_network

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WATCH = ("--set", "models.watch_s=0.2", "--set", "llm.context_tokens=32768")
ROOM = 32_768
"""Tokens of context: the tests' models spell their prompt, the skills' descriptions too, byte by byte."""
NO_SKILL = "who wrote Faust"


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Terminal]:
    """A typed conversation without any model."""
    with Terminal(tmp_path, "--text", "--set", "llm.builtin=false", *WATCH, typed=True) as terminal:
        terminal.ready("dialogue", "skills", "llm", "models")
        yield terminal


def put(made: Path, folder: Path) -> Path:
    """Move a finished file into a folder at once, as a download tool does."""
    folder.mkdir(parents=True, exist_ok=True)
    return made.replace(folder / made.name)


def says(path: Path, script: Sequence[str]) -> Path:
    """Write a model that answers everything with these pieces."""
    return write_scripted(path, script, context=ROOM)


def arrived(terminal: Terminal, role: str) -> dict[str, object]:
    """The next `model.loaded` of a role."""
    while True:
        event = terminal.next("model.loaded")
        if event["role"] == role:
            return event


def test_a_language_model_that_arrives_answers_the_next_question(typed: Terminal, tmp_path: Path) -> None:
    """First the honest sentence, then the model's own words, in one run; the skills answer before and after."""
    before = typed.ask(NO_SKILL)
    assert (before["reason"], typed.log[-2]["kind"]) == ("failed", "llm.failed")
    assert "sotto models pull" in before["answered"]
    put(says(tmp_path / "tiny.gguf", ["Goethe", " did", "."]), tmp_path / "llm")
    pulled = typed.next("model.pulled")
    assert (pulled["role"], pulled["name"], pulled["turn"]) == ("llm", "tiny", 0)
    assert arrived(typed, "llm")["name"] == "tiny"
    after = typed.ask(NO_SKILL)
    assert (after["by"], after["answered"], after["reason"]) == ("llm", "Goethe did.", "answered")
    assert typed.ask("what is 17 times 23")["answered"] == "17 times 23 is 391."
    typed.hang_up()
    assert typed.wait(20) == 0
    assert typed.errors.read_text() == ""


def test_our_own_model_gives_way_to_one_that_arrives(tmp_path: Path) -> None:
    """It is opened by the first question that no skill answers, says what it is, and is let go for a larger one."""
    with Terminal(tmp_path, "--text", *WATCH, typed=True) as typed:
        typed.ready("dialogue", "skills", "llm", "models")
        before = typed.ask(NO_SKILL)
        assert (before["by"], before["reason"]) == ("llm", "answered")
        assert "small model" in before["answered"]
        assert [event["name"] for event in typed.of("model.loaded") if event["role"] == "llm"] == ["sotto-builtin"]
        put(says(tmp_path / "tiny.gguf", ["Goethe", " did", "."]), tmp_path / "llm")
        assert typed.next("model.unloaded")["name"] == "sotto-builtin"
        assert arrived(typed, "llm")["name"] == "tiny"
        assert typed.ask(NO_SKILL)["answered"] == "Goethe did."
        typed.hang_up()
        assert typed.wait(20) == 0
        assert typed.errors.read_text() == ""


def test_a_model_that_arrives_during_an_answer_waits_for_its_end(typed: Terminal, tmp_path: Path) -> None:
    """The old one finishes its turn; the new one answers the next."""
    put(says(tmp_path / "b-old.gguf", [f" {n}" for n in range(300)]), tmp_path / "llm")
    arrived(typed, "llm")
    typed.type(NO_SKILL)
    typed.next("llm.request")
    put(says(tmp_path / "a-new.gguf", ["Goethe", "."]), tmp_path / "llm")
    finished = typed.next("turn.finished")
    assert finished["answered"].endswith(" 299")
    assert typed.of("model.pulled")[-1]["name"] == "a-new"
    assert typed.next("model.unloaded")["name"] == "b-old"
    assert arrived(typed, "llm")["name"] == "a-new"
    assert typed.ask(NO_SKILL)["answered"] == "Goethe."


def test_a_damaged_language_model_is_refused_by_name_and_the_conversation_goes_on(
    typed: Terminal, tmp_path: Path
) -> None:
    """Half a file, and a file of another kind; a sound one that comes later is used."""
    whole = write_random(tmp_path / "half.gguf")
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    put(whole, tmp_path / "llm")
    failed = typed.next("model.failed")
    assert (failed["role"], failed["name"]) == ("llm", "half")
    assert "half.gguf" in failed["message"]
    assert "sotto models" in failed["message"]
    assert "sotto models" in typed.ask(NO_SKILL)["answered"]
    put(shutil.copy(ROOT / "README.md", tmp_path / "text.gguf"), tmp_path / "llm")
    assert typed.next("model.failed")["name"] in ("half", "text")
    assert typed.ask("what is 17 times 23")["answered"] == "17 times 23 is 391."
    put(says(tmp_path / "sound.gguf", ["Goethe", "."]), tmp_path / "llm")
    assert arrived(typed, "llm")["name"] == "sound"
    assert typed.ask(NO_SKILL)["by"] == "llm"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub on loopback."""
    with serving() as hub:
        yield hub


CATALOGUE = """
default = { small = ["tiny"], medium = ["tiny"], large = ["tiny"], gpu = ["tiny"] }
voice = {}
[[model]]
name = "tiny"
role = "llm"
engine = "llama-cpp"
repository = "tests/tiny"
revision = "0123456789012345678901234567890123456789"
licence = "Apache-2.0"
free = true
summary = "Says what it is told."
files = [{ path = "tiny.gguf" }]
"""

PULL = """
import asyncio, sys
from pathlib import Path
from services.models import Catalogue, ModelsSettings, Store
async def main():
    store = Store(ModelsSettings(folder=Path(sys.argv[1]), endpoint=sys.argv[2]), Catalogue(Path(sys.argv[3])))
    async for _ in store.pull("tiny"):
        pass
asyncio.run(main())
"""


def test_a_model_that_another_process_pulls_from_a_hub_answers_the_next_question(
    typed: Terminal, tmp_path: Path, hub: Hub
) -> None:
    """Through the hub's own endpoints, verified by hash; the running assistant sees it whole or not at all."""
    hub.files["tests/tiny/tiny.gguf"] = says(tmp_path / "made", ["Goethe", "."]).read_bytes()
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    subprocess.run(
        [sys.executable, "-c", PULL, tmp_path, hub.endpoint, tmp_path / "catalogue.toml"], cwd=ROOT, check=True
    )
    assert typed.next("model.pulled")["name"] == "tiny"
    assert arrived(typed, "llm")["name"] == "tiny"
    assert typed.ask(NO_SKILL)["by"] == "llm"
    assert not typed.of("model.failed")


def test_what_is_not_the_catalogues_file_is_refused_with_both_values_and_changes_nothing(
    typed: Terminal, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`sotto models pull NAME --from FOLDER` with another file of that name: nothing of it is left, nothing is told."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write_random(folder / "Qwen3-0.6B-Q8_0.gguf")
    size = (folder / "Qwen3-0.6B-Q8_0.gguf").stat().st_size
    pull = [*SOTTO, "models", "pull", "qwen3-0.6b-q8", "--from", str(folder), "--yes"]
    done = subprocess.run(
        pull, env=home_of(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "639446688 bytes" in done.stderr
    assert f"{size} bytes" in done.stderr
    assert not list(tmp_path.rglob("*Qwen3*"))
    assert "sotto models pull" in typed.ask(NO_SKILL)["answered"]
    assert not typed.of("model.pulled", "model.failed")


@pytest.fixture
def spoken(tmp_path: Path) -> Iterator[Terminal]:
    """A conversation that is spoken into nothing; questions are typed."""
    with Terminal(tmp_path, "--text", "--output", "null", *WATCH, typed=True) as terminal:
        terminal.ready("audio", "dialogue", "skills", "tts", "models")
        yield terminal


def write_voice(folder: Path, *, damaged: bool = False) -> str:
    """Put a small voice with Piper's signature into a folder; returns its name."""
    name = "en_US-small-low"
    network = voice_network(speakers=1, aligned=True, loops=0).SerializeToString()
    made = folder.parent / "making"
    made.mkdir(exist_ok=True)
    (made / f"{name}.onnx").write_bytes(network[: len(network) // 2] if damaged else network)
    (made / f"{name}.onnx.json").write_text(json.dumps(voice_config("en-us", 1)))
    folder.mkdir(parents=True, exist_ok=True)
    made.replace(folder / name)
    return name


def engines(terminal: Terminal) -> list[str]:
    """The engines that spoke so far, by clause."""
    return [event["engine"] for event in terminal.of("tts.finished")]


def test_a_voice_that_arrives_speaks_the_next_reply(spoken: Terminal, tmp_path: Path) -> None:
    """And what was heard is still known to the word."""
    assert spoken.ask("what is 17 times 23")["heard"] == "17 times 23 is 391."
    assert set(engines(spoken)) == {"espeak-ng"}
    name = write_voice(tmp_path / "tts")
    assert spoken.next("model.pulled")["name"] == name
    assert arrived(spoken, "tts")["name"] == name
    told = len(engines(spoken))
    assert spoken.ask("what is 17 times 23")["heard"] == "17 times 23 is 391."
    assert set(engines(spoken)[told:]) == {"piper"}
    spoken.hang_up()
    assert spoken.stop() == 0
    assert spoken.errors.read_text() == ""


def test_a_damaged_voice_is_refused_by_name_and_the_built_in_one_goes_on(spoken: Terminal, tmp_path: Path) -> None:
    """With what to do about it."""
    name = write_voice(tmp_path / "tts", damaged=True)
    failed = spoken.next("model.failed")
    assert (failed["role"], failed["name"]) == ("tts", name)
    assert f"{name}.onnx" in failed["message"]
    assert "sotto models" in failed["message"]
    assert spoken.ask("what is 17 times 23")["heard"] == "17 times 23 is 391."
    assert set(engines(spoken)) == {"espeak-ng"}
