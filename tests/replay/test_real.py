"""Conversations of the whole assistant, recorded and run again: spoken through sound files, and one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bus.journal import Recording, recordings
from services.dialogue import DialogueSettings
from services.dialogue.rerun import rerun
from shared.events import Event, encode
from tests.kit.terminal import SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def the_recording(home: Path) -> Recording:
    """The only one there is."""
    (summary,) = recordings(home / "sessions")
    return Recording(summary.folder)


def replayed(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SOTTO, "replay", "last", "--json", *options],
        env=home_of(home), cwd=home, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def check(home: Path) -> tuple[int, dict[str, object]]:
    """What `sotto replay --check` says of it."""
    done = replayed(home, "--check")
    return done.returncode, json.loads(done.stdout)


def test_a_spoken_conversation_comes_out_the_same_to_the_byte(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Real samples in, real engines, in real time; its sound is recorded as it was heard and played.

    With --long it is run again fifty times.
    """
    question = tmp_path / "question.wav"
    subprocess.run(
        [*SOTTO, "speak", "what is seventeen times twenty three", "-o", question],
        env=home_of(tmp_path), cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    options = ("--input", str(question), "--output", str(tmp_path / "answer.wav"), "--set", "journal.audio=true")
    with Terminal(tmp_path, *options) as terminal:
        assert terminal.wait(120) == 0
        terminal.rest()
        (finished,) = terminal.of("turn.finished")
        assert finished["heard"] == "17 times 23 is 391."
    status, told = check(tmp_path)
    assert (status, told["same"], told["problems"]) == (0, True, [])
    recording = the_recording(tmp_path)
    entries = list(recording.entries())
    events = [entry for entry in entries if isinstance(entry, Event)]
    settings = DialogueSettings.model_validate(recording.settings["dialogue"])
    for _ in range(50 if request.config.getoption("--long") else 1):
        assert list(map(encode, rerun(entries, settings))) == list(map(encode, events))
    samples, rate = soundfile.read(question, dtype="float32")
    heard = recording.audio("microphone", 0, recording.samples)
    assert np.abs(heard).max() == pytest.approx(np.abs(samples).max(), rel=0.2)
    assert len(heard) > len(samples) * 16_000 / rate
    assert np.abs(recording.audio("speaker", 0, recording.samples)).max() > 0.05
    assert recording.problems == ()
    told = json.loads(replayed(tmp_path, "--set", "dialogue.min_wait_ms=1500", "--set", "dialogue.wait_ms=1500").stdout)
    assert told["different"] == []
    assert told["moved_ns"]["endpoint_wait"] > 0


def test_a_conversation_that_was_killed_is_there_and_runs_again(tmp_path: Path) -> None:
    """Nothing but the end of what was being written is gone."""
    with Terminal(tmp_path, "--text", typed=True) as terminal:
        terminal.type("what is seventeen times twenty three")
        first = terminal.next("turn.finished")
        terminal.type("what is twelve plus thirty")
        terminal.next("turn.finished")
        terminal.type("what time is it")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait(30) == -signal.SIGKILL
        terminal.rest()
        shown = [line["id"] for line in terminal.log]
    recording = the_recording(tmp_path)
    kept = [event.id for event in recording.events() if event.payload is None]
    both = min(len(kept), len(shown))
    assert kept[:both] == shown[:both]
    assert first["id"] in kept
    assert all(problem.torn for problem in recording.problems)
    status, told = check(tmp_path)
    assert (status, told["same"]) == (0, True)


def test_what_was_typed_is_asked_again_of_todays_engines(tmp_path: Path) -> None:
    """The same answers are status 0, another one is shown and is status 1; nothing of it is recorded."""
    asked = "what is seventeen times twenty three\nhow many miles is ten kilometers\n"
    subprocess.run(
        [*SOTTO, "--text"], input=asked, env=home_of(tmp_path), cwd=tmp_path, text=True, check=True, timeout=90,
        capture_output=True,
    )  # fmt: skip
    same = replayed(tmp_path, "--live")
    assert same.returncode == 0, same.stdout + same.stderr
    other = replayed(tmp_path, "--live", "--set", "language=de")
    rows = [json.loads(line) for line in other.stdout.splitlines()]
    assert (other.returncode, len(rows)) == (1, 2)
    assert all("heard" in row["different"] for row in rows)
    later = replayed(tmp_path, "--from", "2")
    (row,) = [json.loads(line) for line in later.stdout.splitlines()]
    assert (later.returncode, row["now"]["turn"], row["now"]["heard"]) == (0, 2, "10 kilometers is about 6.214 miles.")
    assert "Its last one is 2" in replayed(tmp_path, "--from", "3").stderr
    the_recording(tmp_path)
