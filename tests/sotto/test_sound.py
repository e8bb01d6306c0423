"""Sound from a script: what is spoken can be written down again."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

import sotto
from shared.pcm import CAPTURE_RATE, floats, resample

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def built_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTO_TTS__ENGINE", "espeak-ng")
    monkeypatch.setenv("SOTTO_STT__ENGINE", "pocketsphinx")


def test_what_is_spoken_is_understood(tmp_path: Path) -> None:
    spoken = sotto.speak("What time is it in Tokyo?", tmp_path / "question.wav")
    assert [word.text.strip("?") for word in spoken.words][-1] == "Tokyo"
    with wave.open(str(tmp_path / "question.wav")) as file:
        assert (file.getframerate(), file.readframes(1 << 30)) == (spoken.rate, spoken.pcm)
    written = sotto.transcribe(tmp_path / "question.wav")
    assert written.text == "what time is it in tokyo"
    samples = resample(floats(spoken.pcm), spoken.rate, CAPTURE_RATE)
    assert sotto.transcribe(samples).text == written.text
    assert 0 <= written.words[0].start < written.words[-1].end <= written.seconds


def test_what_is_no_sound_is_a_typed_error_or_none(tmp_path: Path) -> None:
    with pytest.raises(sotto.SpeechFailed):
        sotto.transcribe(tmp_path / "nowhere.wav")
    assert sotto.transcribe(tmp_path / "nowhere.wav", errors="none") is None
    assert sotto.transcribe(np.zeros(1600, dtype=np.float32)).text == ""
    with pytest.raises(sotto.SpeechFailed, match="cannot be written"):
        sotto.speak("Hello.", tmp_path / "no" / "folder.wav")
