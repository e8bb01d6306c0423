"""What a person has forgotten, by word or by command, is in no file that Sotto wrote, whichever part wrote it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_takeover import says
from tests.kit.terminal import SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STORES = {"memory", "sessions", "answers"}
"""Folders of the home; vectors are kept under a hash of their text."""
WORDS = (b"zanzibar", b"839271", b"quetzal")


def options(home: Path) -> tuple[str, ...]:
    """All that is kept stands in the home."""
    settings = {
        "llm.context_tokens": "32768",
        "llm.threads": "1",
        "llm.cache_folder": str(home / "answers"),
        "embedding.cache_file": str(home / "embedding" / "cache.sqlite"),
        "memory.forget_wait_s": "60",
    }
    return tuple(word for name, value in settings.items() for word in ("--set", f"{name}={value}"))


def holding(home: Path) -> dict[str, set[bytes]]:
    """By store, which of the words its files hold, in any case."""
    found: dict[str, set[bytes]] = {}
    for path in home.rglob("*"):
        if path.is_file() and path.suffix not in (".gguf", ".log"):
            data = path.read_bytes().lower()
            there = {word for word in WORDS if word in data}
            found.setdefault(path.relative_to(home).parts[0], set()).update(there)
    return {store: words for store, words in found.items() if words}


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A home in which one thing was told, talked about with the model, asked back, and asked of the model alone."""
    folder = tmp_path / "llm"
    folder.mkdir()
    says(folder / "tiny.gguf", ["It", " is", " the", " quetzal", "."])
    with Terminal(tmp_path, "--text", *options(tmp_path), typed=True) as terminal:
        terminal.ready("dialogue", "skills", "llm", "memory", "embedding")
        assert "Zanzibar" in terminal.ask("remember that my Zanzibar code is 839271")["heard"]
        assert "quetzal" in terminal.ask("which bird is on the flag of Zanzibar, and why?")["heard"]
        assert "839271" in terminal.ask("what is my Zanzibar code?")["heard"]
    sotto(tmp_path, "generate", "--strict", "Where is Zanzibar?")
    return tmp_path


def sotto(home: Path, *arguments: str) -> str:
    """What a command writes, run by itself."""
    command = [*SOTTO, *options(home), *arguments]
    return subprocess.run(
        command, env=home_of(home), cwd=home, capture_output=True, text=True, timeout=90, check=True
    ).stdout


def test_after_forgetting_in_a_later_conversation_no_file_holds_it(told: Path) -> None:
    before = holding(told)
    assert before.keys() >= STORES, before
    with Terminal(told, "--text", *options(told), typed=True) as terminal:
        terminal.ready("dialogue", "skills", "llm", "memory", "embedding")
        terminal.ask("what time is it")
        assert terminal.ask("forget everything about Zanzibar")["heard"] == "Forgotten, everything about Zanzibar."
        [receipt] = terminal.of("memory.erased")
        assert all(line["ok"] for line in receipt["removed"]), receipt
    left = holding(told)
    assert left == {}, left


def test_after_forgetting_from_the_command_line_no_file_holds_it(told: Path) -> None:
    assert holding(told).keys() >= STORES
    receipt = json.loads(sotto(told, "memory", "forget", "--about", "Zanzibar", "--json"))
    assert {line["store"] for line in receipt["removed"] if line["count"]} >= {"facts", "journal", "llm"}, receipt
    left = holding(told)
    assert left == {}, left
