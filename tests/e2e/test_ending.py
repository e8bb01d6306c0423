"""Ctrl-C and SIGTERM: gone in time, with nothing broken and nothing said."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.e2e.test_takeover import says
from tests.kit.terminal import ROOT, SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

Say = Callable[[str], bytes]
SIGNALS = (signal.SIGINT, signal.SIGTERM)
VOICE = ("--input", "none", "--output", "null")


def ends_well(terminal: Terminal, number: signal.Signals) -> None:
    """Status 0 means in time: once its own deadline is over the process ends with another one."""
    assert terminal.stop(number) == 0
    assert terminal.errors.read_text() == ""
    assert {event["service"] for event in terminal.of("service.stopped")} == {
        event["service"] for event in terminal.of("service.starting")
    }


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("options", [VOICE, ("--text",), (*VOICE, "listen", "--json")], ids=["voice", "text", "listen"])
def test_it_ends_while_nothing_is_said(tmp_path: Path, options: tuple[str, ...], number: signal.Signals) -> None:
    """A conversation by voice, by keyboard, and dictation."""
    with Terminal(tmp_path, *options, typed=True) as terminal:
        terminal.ready("models")
        ends_well(terminal, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_while_it_starts(tmp_path: Path, number: signal.Signals) -> None:
    """Services that are not up yet are no reason to wait."""
    with Terminal(tmp_path, *VOICE) as terminal:
        terminal.next("service.starting")
        ends_well(terminal, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_amid_a_spoken_answer_and_the_file_is_whole(tmp_path: Path, say: Say, number: signal.Signals) -> None:
    """The WAV file holds what was played until then."""
    (tmp_path / "question.raw").write_bytes(say("what can you do"))
    with Terminal(tmp_path, "--input", str(tmp_path / "question.raw"), "--output", str(tmp_path / "a.wav")) as terminal:
        played = terminal.next("audio.played", timeout=60, until_sample=20_000)
        ends_well(terminal, number)
    info = soundfile.info(tmp_path / "a.wav")
    assert info.frames / info.samplerate >= played["until_sample"] / played["rate"]
    assert (tmp_path / "a.wav").stat().st_size == 44 + 2 * info.frames
    samples, _ = soundfile.read(tmp_path / "a.wav")
    assert abs(samples).max() > 0.05


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_amid_the_decoding_of_a_sentence(tmp_path: Path, say: Say, number: signal.Signals) -> None:
    """The recogniser's thread is at work then."""
    (tmp_path / "question.raw").write_bytes(say("what is seventeen times twenty three") * 3)
    options = ("--input", str(tmp_path / "question.raw"), "--output", "null")
    with Terminal(tmp_path, *options) as terminal:
        terminal.next("stt.start", timeout=60)
        ends_well(terminal, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_amid_a_generation(tmp_path: Path, number: signal.Signals) -> None:
    """In the middle of the prompt, where the model's thread is in one long step, and in the middle of the answer."""
    (tmp_path / "llm").mkdir()
    says(tmp_path / "llm" / "tiny.gguf", [f" {n}" for n in range(300)])
    for kind in ("llm.request", "llm.delta"):
        with Terminal(tmp_path, "--text", "--set", "llm.context_tokens=32768", typed=True) as terminal:
            terminal.ready("skills")
            terminal.type("who wrote Faust")
            terminal.next(kind, timeout=60)
            ends_well(terminal, number)


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    """Here nobody reads what is printed, so that no orderly end can come; nor is the deadline waited for."""
    with (tmp_path / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [*SOTTO, "--json", *VOICE], stdout=subprocess.PIPE, stderr=errors, env=home_of(tmp_path), cwd=ROOT
        )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            pending = array.array("i", [0])
            while pending[0] < 65_536 - 4096:  # a pipe holds so much; the list of skills alone is more
                fcntl.ioctl(process.stdout, termios.FIONREAD, pending)
                os.sched_yield()
            while process.poll() is None:  # whoever is impatient presses it again and again
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
            assert process.returncode == 128 + signal.SIGINT
        finally:
            process.kill()
    assert (tmp_path / "errors").read_text() == ""


def test_the_end_of_the_input_is_an_end(tmp_path: Path) -> None:
    """Ctrl-D, so to speak."""
    with Terminal(tmp_path, "--text", typed=True) as terminal:
        assert terminal.ask("what is 17 times 23")["answered"] == "17 times 23 is 391."
        terminal.hang_up()
        assert terminal.wait(20) == 0
        assert terminal.errors.read_text() == ""
