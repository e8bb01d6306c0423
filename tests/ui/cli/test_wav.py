"""A WAV file is written whole, under a name that says what it is."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from ui.cli.wav import CannotWrite, write_wav

PCM = bytes(range(100)) * 2


def samples(sound: str | io.BytesIO) -> tuple[int, bytes]:
    with wave.open(sound) as file:
        return file.getframerate(), file.readframes(file.getnframes())


def test_a_file_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "it.wav"
    path.write_text("before")
    write_wav(path, PCM, 22_050)
    assert samples(str(path)) == (22_050, PCM)
    assert list(tmp_path.iterdir()) == [path]


def test_a_dash_is_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_wav(Path("-"), PCM, 22_050)
    assert samples(io.BytesIO(capsysbinary.readouterr().out)) == (22_050, PCM)


def test_another_formats_name_is_refused(tmp_path: Path) -> None:
    """Nobody is given an MP3 that is none."""
    with pytest.raises(CannotWrite, match=r"called \.mp3"):
        write_wav(tmp_path / "it.mp3", PCM, 22_050)
    assert not list(tmp_path.iterdir())
