"""Bad input is answered with a sentence a person understands, and with nothing worse."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile

from services.app import Assistant, Settings
from services.audio import AudioSettings
from services.contract import Context
from services.models import ModelsSettings
from services.skills import SkillsSettings
from services.supervisor import Child
from shared.events import Event, ServiceDegraded, ServiceFailed, TextEntered, TurnFinished
from tests.e2e.test_files import ANSWER, FAST, QUESTION, held, spoken
from tests.kit.screen import Screen
from tests.kit.terminal import ROOT, SOTTO, Terminal, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NO_SOUND = {"PULSE_SERVER": "unix:/nowhere"}


def run(home: Path, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SOTTO, *arguments], env=home_of(home), cwd=home, capture_output=True, text=True, timeout=timeout, check=False
    )


def test_without_a_microphone_one_types_and_is_answered(tmp_path: Path) -> None:
    """It says what is missing, and that typing works; which it does."""
    with Screen(tmp_path, env=os.environ | NO_SOUND) as screen:
        screen.shows("There is no microphone.", timeout=60)
        screen.press("what is 17 times 23\n")
        screen.shows(ANSWER)
        assert screen.leave() in (0, 130)  # 130: it was still loading, on a machine that is busy with other things
        assert "Traceback" not in screen.text


@pytest.mark.parametrize("command", [(), ("listen",)], ids=["converse", "listen"])
@pytest.mark.parametrize(
    ("content", "says"), [(b"", "is empty"), (b"this is a letter to you", "not a sound file"), (None, "no sound file")]
)
def test_a_file_that_is_no_sound_is_refused_before_the_start(
    tmp_path: Path, command: tuple[str, ...], content: bytes | None, says: str
) -> None:
    """By name, with status 1."""
    if content is not None:
        (tmp_path / "in.wav").write_bytes(content)
    refused = run(tmp_path, "--input", "in.wav", "--output", "null", *command)
    assert refused.returncode == 1
    assert "in.wav" in refused.stderr
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr


def test_sound_of_any_form_is_understood(tmp_path: Path) -> None:
    """8 bit, 96 kHz, six channels, and a recording with holes of NaN: the same sentence is written down."""
    samples, rate = soundfile.read(spoken(tmp_path, QUESTION), dtype="float32")
    step = np.arange(0, samples.size, rate / 96_000)
    fine = np.interp(step, np.arange(samples.size), samples)
    holes = samples.copy()
    holes[:200], holes[-300:] = np.nan, np.inf
    soundfile.write(tmp_path / "8bit.wav", samples, rate, subtype="PCM_U8")
    soundfile.write(tmp_path / "96khz.wav", fine, 96_000, subtype="PCM_24")
    soundfile.write(tmp_path / "6channels.wav", np.repeat(samples[:, None], 6, axis=1), rate)
    soundfile.write(tmp_path / "nan.wav", holes, rate, subtype="FLOAT")
    for name in ("8bit.wav", "96khz.wav", "6channels.wav", "nan.wav"):
        told = held(tmp_path, "--input", str(tmp_path / name), "--output", "null", *FAST)
        assert [event["answered"] for event in told.of("turn.finished")] == [ANSWER], name


PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
sys.exit(status)
"""


def peak_mib(home: Path, sound: Path, *command: str) -> tuple[int, str]:
    """Hold a conversation with a file as fast as it goes; returns its peak memory in MiB and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *SOTTO, "--input", str(sound), "--output", "null", *FAST, *command],
        env=home_of(home), cwd=ROOT, capture_output=True, text=True, timeout=880, check=True,
    )  # fmt: skip
    return int(done.stderr), done.stdout


def long_file(home: Path, piece: np.ndarray, rate: int, minutes: float) -> Path:
    """The piece again and again."""
    path = home / f"{minutes:g}.wav"
    with soundfile.SoundFile(path, "w", rate, 1) as file:
        for _ in range(round(minutes * 60 * rate / piece.size)):
            file.write(piece)
    return path


@pytest.fixture
def part(request: pytest.FixtureRequest) -> float:
    """How much of the full length is tested: all of it with --long."""
    return 1.0 if request.config.getoption("--long") else 1 / 12


def test_an_hour_of_silence_asks_nothing_and_keeps_nothing(tmp_path: Path, part: float) -> None:
    """It ends by itself; the memory is that of a few seconds."""
    second = np.zeros(16_000, np.float32)
    short, _ = peak_mib(tmp_path, long_file(tmp_path, second, 16_000, 0.2))
    long, shown = peak_mib(tmp_path, long_file(tmp_path, second, 16_000, 60 * part))
    assert long < short + 48
    assert "sotto  " not in shown


def test_a_monologue_of_half_an_hour_ends_and_keeps_nothing(tmp_path: Path, part: float) -> None:
    """Speech without a pause that would end it is taken in pieces; the memory does not grow with it."""
    sentence, rate = soundfile.read(
        spoken(tmp_path, "we walked along the river and talked about the weather and", pause_s=0), dtype="float32"
    )
    short, _ = peak_mib(tmp_path, long_file(tmp_path, sentence, rate, 1), "listen")
    long, shown = peak_mib(tmp_path, long_file(tmp_path, sentence, rate, 30 * part), "listen")
    assert long < short + 96
    assert len(shown.split()) > 50


@pytest.mark.parametrize("setting", ["audio.volum=3", "nothing=1", "audio.volume=loud", "audio.volume"])
def test_an_unknown_setting_is_named(tmp_path: Path, setting: str) -> None:
    """In a flag; with what it should have been."""
    refused = run(tmp_path, "--set", setting, "--text")
    assert refused.returncode == 1
    assert setting.partition("=")[0] in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs a right that is not here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up_is_told_and_the_conversation_goes_on(tmp_path: Path, small_disk: Path) -> None:
    """The answer is still given, and what was written by then can be read."""
    question = spoken(tmp_path, QUESTION)
    told = held(tmp_path, "--input", str(question), "--output", str(small_disk / "out.wav"), *FAST)
    reasons = [event["reason"] for event in told.of("service.degraded") if event["service"] == "audio"]
    assert "No space left on device" in reasons[-1]
    assert "out.wav" in reasons[-1]
    assert [event["heard"] for event in told.of("turn.finished")] == [ANSWER]
    assert soundfile.info(small_disk / "out.wav").frames > 10_000


def test_models_of_the_wrong_kind_are_refused_by_name_and_all_else_works(tmp_path: Path) -> None:
    """Text for a language model, for a voice and for a recogniser: three names, and the built-in engines answer."""
    text = (ROOT / "README.md").read_bytes()
    for path in ("llm/letter.gguf", "tts/en_US-letter-low.onnx", "stt/letter/model.bin"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text)
    (tmp_path / "tts/en_US-letter-low.onnx.json").write_bytes(text)
    (tmp_path / "stt/letter/config.json").write_bytes(b"{}")
    question = spoken(tmp_path, QUESTION)
    with Terminal(tmp_path, "--input", str(question), "--output", "null") as terminal:
        assert terminal.next("turn.finished", timeout=60)["heard"] == ANSWER
        assert terminal.wait(30) == 0
        terminal.rest()
    failed = {(event["role"], event["name"]) for event in terminal.of("model.failed")}
    assert failed == {("llm", "letter"), ("tts", "en_US-letter-low"), ("stt", "letter")}


class Raises:
    """A service that cannot start."""

    name: ClassVar[str] = "raises"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    async def run(self, ctx: Context) -> None:
        raise OSError("the engine's library is missing")


class Hangs:
    """A service that never says that it is up."""

    name: ClassVar[str] = "hangs"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    async def run(self, ctx: Context) -> None:
        await asyncio.Event().wait()


class Burdened(Assistant):
    """An assistant with one service more."""

    more: ClassVar[type[Raises] | type[Hangs]]

    def _children(self) -> tuple[Child, ...]:
        return (Child(self.more, self.more, start_within=0.2), *super()._children())


@pytest.mark.parametrize("more", [Raises, Hangs])
async def test_a_service_that_raises_or_hangs_at_the_start_is_given_up_and_the_rest_answers(
    tmp_path: Path, more: type[Raises] | type[Hangs], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by name with its reason; questions are answered meanwhile."""
    monkeypatch.setattr(Burdened, "more", more, raising=False)
    settings = Settings(
        models=ModelsSettings(folder=tmp_path),
        skills=SkillsSettings(alarms_file=tmp_path / "alarms.json"),
        audio=AudioSettings(input="none", output="null"),
    )
    assistant = Burdened(settings, "text")
    failed = assistant.bus.subscribe(ServiceFailed, ServiceDegraded, name="test")
    finished = assistant.bus.subscribe(TurnFinished, name="turns")
    with failed, finished:
        async with assistant:
            assistant.emit(TextEntered, text="what is 17 times 23", speak=False)
            async with asyncio.timeout(60):
                assert (await anext(finished)).answered == ANSWER
                told = await anext(failed)
                while told.service != more.name or not isinstance(told, ServiceFailed):
                    told = await anext(failed)
    assert ("library is missing" if more is Raises else "ready within") in told.error
