"""Nothing leaves the house: whole conversations connect to nobody, and need no network at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_takeover import says
from tests.kit.terminal import ROOT, SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Say = Callable[[str], bytes]
QUESTION = "what is seventeen times twenty three"
ANSWER = "17 times 23 is 391."
WATCHED = (sys.executable, "-m", "tests.kit.watched")
LOCAL = ("127.", "('127.", "('::1", "/", "localhost", "@", "b'")


def _can_unshare() -> bool:
    return subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode == 0


def outside(watch: Path) -> list[list[str]]:
    """The attempts that were neither loopback nor a Unix socket."""
    attempts = [json.loads(line) for line in watch.read_text().splitlines()]
    return [[event, address] for event, address in attempts if not address.startswith(LOCAL)]


def question(home: Path, say: Say) -> Path:
    (home / "question.raw").write_bytes(say(QUESTION))
    return home / "question.raw"


def converse_by_text(home: Path, program: tuple[str, ...]) -> None:
    """A skill, a fact from the gazetteer, the language model, a timer."""
    with Terminal(home, "--text", "--set", "llm.context_tokens=32768", typed=True, program=program) as terminal:
        terminal.ready("skills", "llm")
        assert terminal.ask("what is 17 times 23")["answered"] == ANSWER
        assert "Tokyo" in terminal.ask("what time is it in Tokyo")["answered"]
        assert terminal.ask("who wrote Faust")["answered"] == "Goethe."
        assert terminal.ask("set a timer for ten minutes")["reason"] == "answered"
        terminal.hang_up()
        assert terminal.wait(20) == 0


def converse_by_voice(home: Path, say: Say, program: tuple[str, ...]) -> None:
    with Terminal(home, "--input", str(question(home, say)), "--output", "null", program=program) as terminal:
        assert terminal.next("turn.finished", timeout=60)["heard"] == ANSWER
        assert terminal.wait(20) == 0


def test_a_typed_conversation_connects_to_nobody(tmp_path: Path) -> None:
    """With a language model at work."""
    (tmp_path / "llm").mkdir()
    says(tmp_path / "llm" / "tiny.gguf", ["Goethe", "."])
    watch = tmp_path / "watch"
    converse_by_text(tmp_path, (*WATCHED, str(watch)))
    assert not outside(watch)


def test_a_spoken_conversation_connects_to_nobody(tmp_path: Path, say: Say) -> None:
    """From the sound to the answer's last sample."""
    watch = tmp_path / "watch"
    converse_by_voice(tmp_path, say, (*WATCHED, str(watch)))
    assert not outside(watch)


@pytest.mark.skipif(not _can_unshare(), reason="needs the right to make a network namespace")
def test_the_watch_sees_what_would_leave(tmp_path: Path) -> None:
    """A pull, which is meant to leave, is seen (without a network, so that it does not)."""
    watch = tmp_path / "watch"
    subprocess.run(
        ["unshare", "-n", *WATCHED, watch, "models", "pull", "whisper-tiny", "--yes"],
        env=home_of(tmp_path, os.environ | {"HF_ENDPOINT": "http://192.0.2.1:80"}),
        cwd=ROOT, check=False, capture_output=True, timeout=90,
    )  # fmt: skip
    assert any("192.0.2.1" in address for _, address in outside(watch))


@pytest.mark.skipif(not _can_unshare(), reason="needs the right to make a network namespace")
def test_without_any_network_everything_works(tmp_path: Path, say: Say) -> None:
    """In a network namespace without an interface, loopback neither."""
    (tmp_path / "llm").mkdir()
    says(tmp_path / "llm" / "tiny.gguf", ["Goethe", "."])
    converse_by_text(tmp_path, ("unshare", "-n", *SOTTO))
    converse_by_voice(tmp_path, say, ("unshare", "-n", *SOTTO))
