"""`sotto memory`: what was told in a conversation is listed, found, exported and forgotten from the command line."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.local.place import Card, Place
from shared.errors import SottoError
from tests.kit.terminal import SOTTO, Terminal, home_of
from ui.cli.main import app

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sotto(tmp_path: Path) -> Run:
    def run(*arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        env = {**home_of(tmp_path), "SOTTO_MEMORY__VECTORS": "false", **more}
        return subprocess.run(
            [*SOTTO, *arguments], input=typed, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip

    return run


def test_what_was_told_is_listed_exported_forgotten_and_taken_back(sotto: Run, tmp_path: Path) -> None:
    assert "your bike code is 4512" in sotto("ask", "remember that my bike code is 4512").stdout
    [fact] = map(json.loads, sotto("memory", "list", "--json").stdout.splitlines())
    assert (fact["key"], fact["value"]) == ("bike code", "4512")
    assert sotto("memory", "export", "-o", "memories.jsonl").returncode == 0
    assert "removed facts: 1" in sotto("memory", "forget", fact["id"]).stdout
    assert b"4512" not in b"".join(path.read_bytes() for path in (tmp_path / "memory").rglob("*") if path.is_file())
    assert "1 memories and 1 turns of conversations came" in sotto("memory", "import", "memories.jsonl").stdout
    assert "Your bike code is 4512." in sotto("ask", "what is my bike code").stdout


def test_an_export_is_for_the_person_alone_and_takes_the_place_of_an_earlier_one(sotto: Run, tmp_path: Path) -> None:
    sotto("ask", "remember that my bike code is 4512")
    (tmp_path / "memories.jsonl").write_text("earlier")
    (tmp_path / "memories.jsonl").chmod(0o644)
    assert sotto("memory", "export", "-o", "memories.jsonl").returncode == 0
    assert "4512" in (tmp_path / "memories.jsonl").read_text()
    assert (tmp_path / "memories.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_export_that_cannot_be_written_is_said_and_leaves_what_was_there(sotto: Run, tmp_path: Path) -> None:
    """A folder that is missing, a folder in the file's place, a name that is too long."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    before = {path.name for path in tmp_path.iterdir()}
    for output in ("nowhere/memories.jsonl", "folder", "x" * 300):
        refused = sotto("memory", "export", "-o", output)
        assert refused.returncode == 1
        assert "cannot be written" in " ".join(refused.stderr.split())
        assert "Traceback" not in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} - before <= {"memory"}


def test_an_export_that_fills_the_disk_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-written stays beside it."""
    output = tmp_path / "memories.jsonl"
    output.write_text("earlier")

    def full(_: object) -> Iterator[str]:
        yield "a line"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("services.memory.exchange.exported", full)
    monkeypatch.setenv("SOTTO_MEMORY__FOLDER", str(tmp_path / "memory"))
    done = CliRunner().invoke(app, ["memory", "export", "-o", str(output)])
    assert isinstance(done.exception, SottoError)
    assert "No space left" in done.exception.message
    assert done.exception.remedy
    assert output.read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} <= {"memories.jsonl", "memory"}


def test_what_a_damaged_memory_cannot_forget_is_left_and_said(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.sqlite3").write_bytes(b"no memories" * 100)
    refused = sotto("memory", "forget", "--about", "bike code")
    assert refused.returncode == 1
    assert "left memory: 0" in refused.stdout
    assert "cannot be read" in refused.stdout
    assert "removed journal: 0" in refused.stdout


def test_a_damaged_memory_is_said_and_not_that_nothing_is_remembered(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.sqlite3").write_bytes(b"no memories" * 100)
    for more in ((), ("--json",)):
        refused = sotto("memory", "search", "bike", *more)
        assert (refused.returncode, refused.stdout) == (1, "")
        said = " ".join(refused.stderr.split())
        assert "cannot be read" in said
        assert "sotto memory import FILE" in said
        assert "Traceback" not in said


def test_a_sotto_that_runs_forgets_what_it_holds_itself(tmp_path: Path) -> None:
    """The command knows nothing of its folders; the recording that is being written is in the receipt too."""
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [*SOTTO, "memory", "forget", "--about", "boat code", "--json"]
    with Terminal(tmp_path, "--text", "--set", "memory.vectors=false", env=env, typed=True) as terminal:
        terminal.ready("dialogue", "skills", "memory", "journal", "local")
        terminal.ask("remember that my boat code is 773154")
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    removed = {line["store"]: line["count"] for line in json.loads(done.stdout)["removed"]}
    assert removed["facts"] == removed["journal"] == 1
    assert b"773154" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_what_another_sotto_has_in_memory_is_left_and_said(sotto: Run, tmp_path: Path) -> None:
    """One that has no memory of its own, as a daemon, or that other folders than this command's were set for."""
    place = Place(tmp_path / "run" / "sotto")
    listener = place.take(Card(os.getpid(), "daemon"))
    assert listener is not None
    with contextlib.closing(listener):
        done = sotto("memory", "forget", "--about", "boat code", XDG_RUNTIME_DIR=str(tmp_path / "run"))
    place.leave()
    assert done.returncode == 1
    assert f"left llm: 0 nothing was remembered; what the Sotto that runs (process {os.getpid()})" in done.stdout


def test_a_file_is_added_found_with_its_place_and_forgotten(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Locks\nThe spare key is under the mat.\n", "utf-8")
    assert "1 new passages" in sotto("memory", "add", "notes.md").stdout
    [passage] = map(json.loads, sotto("memory", "search", "spare", "key", "--json").stdout.splitlines())
    assert (passage["place"], Path(passage["source"]).name) == ("Locks", "notes.md")
    assert "removed passages: 1" in sotto("memory", "forget", "notes.md").stdout
    assert json.loads(sotto("memory", "stats", "--json").stdout)["passages"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "missing.txt"), "cannot be read"),
        (("add", "program.exe"), "cannot be read"),
        (("add", "no [/b]:smile:.txt"), "no [/b]:smile:.txt cannot be read"),
        (("list", "dreams"), "no kind of memories"),
        (("forget",), "Nothing is named"),
        (("import", "missing.jsonl"), "cannot be read"),
    ],
    ids=" ".join,
)
def test_bad_input_is_said_in_a_sentence(sotto: Run, arguments: tuple[str, ...], said: str) -> None:
    done = sotto("memory", *arguments)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_brackets_and_colons_are_printed_as_they_are(sotto: Run) -> None:
    sotto("ask", "remember that my [red]key[/] is :smile: [/x]")
    for arguments in (("memory", "list"), ("memory", "search", "key"), ("sessions", "show")):
        assert "my [red]key[/] is :smile: [/x]" in " ".join(sotto(*arguments, COLUMNS="200").stdout.split())


def test_switched_off_it_keeps_nothing(sotto: Run, tmp_path: Path) -> None:
    assert "switched off" in sotto("--set", "memory.enabled=false", "ask", "remember that my code is 1").stdout
    assert not (tmp_path / "memory").exists()


@pytest.mark.slow
def test_a_conversation_goes_on_by_its_name_in_another_process(sotto: Run) -> None:
    assert sotto("--session", "trip", "ask", "what is 3 plus 4").stdout.strip() == "3 plus 4 is 7."
    assert sotto("--resume", "trip", "ask", "repeat that").stdout.strip() == "3 plus 4 is 7."
    shown = sotto("--text", "--resume", typed="repeat that\n").stdout
    assert "Going on with trip: 2 turns." in shown
    [one] = map(json.loads, sotto("memory", "list", "conversations", "--json").stdout.splitlines())
    assert (one["name"], one["turns"], len(one["sessions"])) == ("trip", 3, 3)
    listed = list(map(json.loads, sotto("sessions", "list", "--json").stdout.splitlines()))
    assert {session["name"] for session in listed} == {"trip"}
    sotto("sessions", "delete", "--all", "--yes")
    assert sotto("memory", "list", "conversations").stdout.strip() == "No conversation is kept."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resume", "ask", "hello"), "There is no conversation to go on with."),
        (("--session", "last", "ask", "hello"), "'last' is no name for a conversation."),
        (("--session", "a", "--resume", "b", "ask", "hello"), "--resume and --session were both given."),
    ],
    ids=["none yet", "a reserved name", "both"],
)
def test_a_conversation_that_is_not_to_be_had_is_said(sotto: Run, arguments: tuple[str, ...], said: str) -> None:
    refused = sotto(*arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
