"""Real sound devices made of software, a voice, and an assistant that hears and speaks through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from services.app import Settings, speech
from services.tts import TtsSettings
from shared.pcm import CAPTURE_RATE, Floats, floats, pcm16, resample
from tests.kit.pulse import PulseAudio
from tests.kit.terminal import Terminal

Say = Callable[[str], bytes]


@pytest.fixture(scope="module")
def say() -> Say:
    """Texts as espeak-ng says them, mono s16le at 16 kHz, with a breath after them."""
    voice = speech(Settings(tts=TtsSettings(engine="espeak-ng")))

    def spoken(text: str) -> bytes:
        made = voice(text)
        return pcm16(resample(floats(made.pcm), made.rate, CAPTURE_RATE)) + bytes(CAPTURE_RATE)

    return spoken


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[PulseAudio]:
    """A virtual microphone and a virtual speaker."""
    folder = tmp_path / "pulse"
    folder.mkdir()
    with PulseAudio(folder) as server:
        yield server


@pytest.fixture
def sotto(pulse: PulseAudio, tmp_path: Path) -> Iterator[Terminal]:
    """The assistant on those devices, once it listens."""
    with Terminal(tmp_path, env=pulse.env) as terminal:
        terminal.ready("audio", "listening", "stt", "dialogue", "skills", "tts")
        yield terminal


def envelope(sound: Floats, rate: int) -> npt.NDArray[np.float64]:
    """Loudness in steps of 20 ms, shape (steps,)."""
    step = rate // 50
    whole = sound[: len(sound) // step * step].reshape(-1, step).astype(np.float64)
    return np.sqrt(np.mean(np.square(whole), axis=1))


def likeness(recorded: Floats, rate: int, wanted: Floats, wanted_rate: int) -> float:
    """Best correlation (0 to 1) of the loudness of `wanted` with that of any stretch of `recorded` of its length."""
    long, short = envelope(recorded, rate), envelope(wanted, wanted_rate)
    short = (short - short.mean()) / (short.std() or 1)
    best = 0.0
    for start in range(len(long) - len(short) + 1):
        stretch = long[start : start + len(short)]
        spread = stretch.std()
        if spread > 1e-6:
            best = max(best, float(np.mean((stretch - stretch.mean()) / spread * short)))
    return best
