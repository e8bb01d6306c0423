"""Whole conversations from a sound file into a sound file, and what is said in one, written down."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from services.app import Settings, speech
from services.tts import TtsSettings
from shared.pcm import CAPTURE_RATE, Floats, floats
from tests.e2e.conftest import likeness
from tests.kit.terminal import SOTTO, Line, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

QUESTION = "what is seventeen times twenty three"
ANSWER = "17 times 23 is 391."
FAST = ("--set", "audio.pace=fast")


def spoken(home: Path, *texts: str, pause_s: float = 2.0, voices: Mapping[str, Sequence[str]] | None = None) -> Path:
    """A WAV file of sentences that `sotto speak` said, some with options of their own, with pauses between them."""
    pieces: list[Floats] = []
    for number, text in enumerate(texts):
        path = home / f"said-{number}.wav"
        command = [*SOTTO, *(voices or {}).get(text, ()), "speak", text, "-o", path]
        subprocess.run(command, env=home_of(home), cwd=home, check=True, timeout=60)
        samples, rate = soundfile.read(path, dtype="float32")
        pieces += [samples, np.zeros(round(pause_s * rate), np.float32)]
    soundfile.write(home / "question.wav", np.concatenate(pieces), rate)
    return home / "question.wav"


def held(home: Path, *options: str, timeout: float = 90) -> Terminal:
    """A conversation that ended by itself, with status 0 and nothing on standard error."""
    with Terminal(home, *options) as terminal:
        assert terminal.wait(timeout) == 0
        terminal.rest()
        assert terminal.errors.read_text() == ""
        return terminal


def heard_in(path: Path) -> tuple[Floats, int]:
    samples, rate = soundfile.read(path, dtype="float32")
    return samples, rate


def one(terminal: Terminal, kind: str) -> Line:
    """The only event of a kind."""
    (event,) = terminal.of(kind)
    return event


def test_a_question_in_a_file_is_answered_into_a_file(tmp_path: Path) -> None:
    """It ends by itself, and the WAV file holds the answer, at its place behind the question."""
    question, answer = spoken(tmp_path, QUESTION), tmp_path / "answer.wav"
    told = held(tmp_path, "--input", str(question), "--output", str(answer))
    finished = one(told, "turn.finished")
    assert (finished["answered"], finished["heard"], finished["asked"]) == (ANSWER, ANSWER, QUESTION)
    assert one(told, "session.closed")["reason"] == "input ended"
    samples, rate = heard_in(answer)
    voice = speech(Settings(tts=TtsSettings(engine="espeak-ng")))(ANSWER)
    assert likeness(samples, rate, floats(voice.pcm), voice.rate) > 0.9
    first = np.flatnonzero(np.abs(samples) > 0.01)[0] / rate
    assert first > one(told, "turn.committed")["last_voiced_sample"] / CAPTURE_RATE


def test_at_a_fast_pace_the_same_is_said(tmp_path: Path) -> None:
    """Twice the same conversation to the word, and all of it is in the file."""
    question = spoken(tmp_path, QUESTION, "who are you", "how many miles is ten kilometers", pause_s=40)
    runs = [
        held(tmp_path, "--input", str(question), "--output", str(tmp_path / f"{n}.wav"), *FAST, timeout=120)
        for n in range(2)
    ]
    said = [[(e["asked"], e["heard"], e["reason"]) for e in run.of("turn.finished")] for run in runs]
    assert said[0] == said[1]
    assert [asked for asked, _, _ in said[0]] == [QUESTION, "who are you", "how many miles is ten kilometers"]
    assert all(reason == "answered" and heard for _, heard, reason in said[0])
    for number in range(2):
        samples, rate = heard_in(tmp_path / f"{number}.wav")
        assert len(samples) / rate > 3 * 40


def test_two_sentences_with_a_pause_are_written_down_as_two(tmp_path: Path) -> None:
    """`sotto listen` prints each once it was said; what skills know it hears well, though it starts no skill."""
    recording = spoken(tmp_path, QUESTION, "set a timer for ten minutes")
    told = held(tmp_path, "--input", str(recording), *FAST, "listen")
    texts = [event["text"] for event in told.of("stt.final")]
    assert texts == [QUESTION, "set a timer for ten minutes"]
    assert not told.of("turn.started", "tts.request", "skills.registered")


def test_with_a_wake_word_nothing_is_answered_without_it(tmp_path: Path) -> None:
    """The question is neither answered nor sent to any skill, and the output stays silent."""
    question, answer = spoken(tmp_path, QUESTION), tmp_path / "answer.wav"
    told = held(tmp_path, "--wake", "hey_jarvis", "--input", str(question), "--output", str(answer), *FAST)
    assert not told.of("wake.detected", "turn.committed", "tool.call", "llm.request", "tts.request")
    assert told.of("speech.started")
    samples, _ = heard_in(answer)
    assert samples.size
    assert not samples.any()


def test_with_a_wake_word_the_question_after_it_is_answered(tmp_path: Path) -> None:
    """The wake word itself is no part of the question."""
    clear = {"okay nabu": ("--set", "tts.voice=en-gb+m7", "--set", "tts.rate=0.8")}
    question = spoken(tmp_path, "okay nabu", QUESTION, pause_s=0.8, voices=clear)
    told = held(tmp_path, "--wake", "okay_nabu", "--input", str(question), "--output", "null", *FAST)
    assert one(told, "wake.detected")["phrase"] == "okay_nabu"
    assert [event["answered"] for event in told.of("turn.finished") if event["reason"] == "answered"] == [ANSWER]
