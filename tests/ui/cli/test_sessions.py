"""Recorded sessions at the command line: listed, shown, run again, taken along, forgotten."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from bus.journal import Journal, recordings
from shared.clock import ManualClock
from shared.events import AudioCaptured, Stamp
from shared.ids import id_source
from tests.kit.terminal import SOTTO, home_of

Run = Callable[..., subprocess.CompletedProcess[str]]
ASKED = "what is seventeen times twenty three"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one typed conversation was recorded."""
    home = tmp_path_factory.mktemp("home")
    done = run_in(home)("--text", typed=f"{ASKED}\n")
    assert "17 times 23 is 391." in done.stdout, done.stderr
    return home


def run_in(home: Path) -> Run:
    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SOTTO, *arguments], input=typed, env=home_of(home), cwd=home, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def sotto(home: Path) -> Run:
    return run_in(home)


def test_a_conversation_is_recorded_and_listed(sotto: Run, home: Path) -> None:
    """Events by default, sound not; everything in one folder."""
    (listed,) = [json.loads(line) for line in sotto("sessions", "list", "--json").stdout.splitlines()]
    assert (listed["over"], listed["sound"], listed["live"]) == ("text", False, False)
    assert Path(listed["folder"]).parent == home / "sessions"


def test_its_turns_are_shown(sotto: Run) -> None:
    """What was asked, what was heard, how it ended."""
    shown = json.loads(sotto("sessions", "show", "--json").stdout)
    assert [(turn["asked"], turn["heard"], turn["reason"]) for turn in shown["turns"]] == [
        (ASKED, "17 times 23 is 391.", "answered")
    ]
    assert shown["problems"] == []


def test_it_is_played_as_it_went(sotto: Run) -> None:
    """Its events, in their order; with --json each as a line."""
    kinds = [json.loads(line)["kind"] for line in sotto("replay", "--speed", "0", "--json").stdout.splitlines()]
    assert kinds.index("text.entered") < kinds.index("turn.committed") < kinds.index("turn.finished")


def test_run_again_it_is_the_same_and_once_it_is_not_the_status_says_so(sotto: Run, home: Path, tmp_path: Path) -> None:
    """Exit status 0 and 1; a copied folder is enough."""
    same = sotto("replay", "last", "--check")
    assert (same.returncode, "the same to the byte" in same.stdout) == (0, True), same.stdout + same.stderr
    (folder,) = (home / "sessions").iterdir()
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        lines = path.read_bytes().splitlines(keepends=True)
        copy.joinpath(path.name).write_bytes(b"".join(line for line in lines if b'"kind":"tool.call"' not in line))
    other = sotto("replay", str(copy), "--check", "--json")
    told = json.loads(other.stdout)
    assert (other.returncode, told["same"]) == (1, False)
    assert "it now says tool.call of turn 1" in told["difference"]


def test_it_is_taken_along(sotto: Run, tmp_path: Path) -> None:
    """As an archive; a file that is there is left alone."""
    archive, events = tmp_path / "all.tar.gz", tmp_path / "events.jsonl"
    assert sotto("sessions", "export", "last", str(archive)).returncode == 0
    with tarfile.open(archive) as held:
        assert any(name.endswith("events-0001.jsonl") for name in held.getnames())
    events.write_text("mine")
    refused = sotto("sessions", "export", "last", str(events))
    assert (refused.returncode, "is there already" in refused.stderr, events.read_text()) == (1, True, "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.tar.gz", "events.jsonl"]


def test_sound_is_taken_along_as_a_stereo_file(tmp_path: Path) -> None:
    """The microphone left, the speaker right."""
    journal = Journal(tmp_path / "sessions", "s1", started_at=1, sound=True)
    stamp = Stamp("test", ManualClock(), id_source("test-"), "s1")
    journal.write(stamp(AudioCaptured, first_sample=0, rate=16_000, pcm=b"\0\x40" * 320))
    journal.close()
    assert run_in(tmp_path)("sessions", "export", "s1", str(tmp_path / "s1.flac")).returncode == 0
    samples, rate = soundfile.read(tmp_path / "s1.flac")
    assert (samples.shape, rate, samples[100].tolist()) == ((320, 2), 16_000, [0.5, 0.0])


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    """Without a terminal nobody is asked."""
    for name in ("abc", "abd"):
        Journal(tmp_path / "sessions", name, started_at=1).close()
    gone = run_in(tmp_path)("sessions", "delete", "abc")
    assert (gone.returncode, gone.stdout) == (0, "abc is deleted.\n")
    assert [one.id for one in recordings(tmp_path / "sessions")] == ["abd"]


def test_what_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    """With the way on."""
    told = run_in(tmp_path)("replay", "nowhere", "--check")
    assert told.returncode == 1
    assert re.match(r"There is no recorded session 'nowhere' in .*\n`sotto sessions list`", told.stderr)


def test_recording_can_be_switched_off(tmp_path: Path) -> None:
    """`journal.enabled`."""
    done = run_in(tmp_path)("--set", "journal.enabled=false", "ask", ASKED)
    assert done.stdout == "17 times 23 is 391.\n"
    assert not (tmp_path / "sessions").exists()
