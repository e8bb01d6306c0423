"""Sound files and pipes, good and bad."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from services.audio import AudioSettings, OutputFailed, UnreadableSound, check
from services.audio.address import Device, Nothing, RawPipe, SoundFile, address
from services.audio.engines.pipes import PipeInput, PipeOutput
from services.audio.engines.soundfiles import FileInput
from services.audio.engines.wavfiles import FlacOutput, WavOutput
from shared.errors import ConfigError
from shared.pcm import Floats, pcm16

from .conftest import sine


async def whole(input: Any) -> Floats:
    """Everything an input gives."""
    pieces = []
    while (piece := await input.read()) is not None:
        pieces.append(piece)
    await input.close()
    return np.concatenate(pieces)


def loudest(samples: Floats, rate: int = 16_000) -> float:
    """The frequency of the strongest partial, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / samples.size)


@pytest.mark.parametrize(
    ("rate", "channels", "subtype", "form"),
    [
        (8_000, 1, "PCM_U8", "WAV"),
        (11_025, 1, "PCM_16", "WAV"),
        (16_000, 1, "PCM_16", "WAV"),
        (44_100, 2, "PCM_16", "FLAC"),
        (48_000, 6, "PCM_24", "WAV"),
        (96_000, 1, "PCM_32", "WAV"),
        (96_000, 2, "FLOAT", "WAV"),
        (48_000, 1, "ULAW", "WAV"),
        (48_000, 1, "VORBIS", "OGG"),
    ],
)
async def test_any_rate_width_and_number_of_channels_is_read(
    tmp_path: Path, rate: int, channels: int, subtype: str, form: str
) -> None:
    """One second of a tone comes out as one second of that tone at 16 kHz, mono, at its level."""
    path = tmp_path / f"in.{form.lower()}"
    tone = sine(440, 1.0, rate, level=0.4)
    soundfile.write(path, np.repeat(tone[:, np.newaxis], channels, axis=1), rate, subtype=subtype, format=form)
    samples = await whole(await asyncio.to_thread(FileInput, path))
    assert abs(samples.size - 16_000) <= 2
    assert loudest(samples) == pytest.approx(440, abs=2)
    assert np.max(np.abs(samples[1000:-1000])) == pytest.approx(0.4, abs=0.05)


async def test_nan_and_infinite_samples_become_silence(tmp_path: Path) -> None:
    """They do not spread through the resampler's filter."""
    samples = sine(440, 1.0, 48_000)
    samples[1000:1010], samples[2000] = np.nan, np.inf
    soundfile.write(tmp_path / "in.wav", samples, 48_000, subtype="FLOAT")
    heard = await whole(await asyncio.to_thread(FileInput, tmp_path / "in.wav"))
    assert np.isfinite(heard).all()
    assert loudest(heard) == pytest.approx(440, abs=2)


async def test_raw_samples_are_read_as_s16le_at_16_khz(tmp_path: Path) -> None:
    """A `.raw` file has no header to ask."""
    (tmp_path / "in.raw").write_bytes(pcm16(sine(440, 0.5, 16_000)))
    samples = await whole(await asyncio.to_thread(FileInput, tmp_path / "in.raw"))
    np.testing.assert_allclose(samples, sine(440, 0.5, 16_000), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"hello there, this is text", "not a sound file"),
        ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound file"),
        ("missing.wav", None, "no sound file"),
    ],
)
def test_what_is_no_sound_is_named_with_a_remedy(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    """The message names the file and what is wrong with it; the same before the start."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableSound, match=says) as raised:
        check(AudioSettings(input=str(tmp_path / name), output="null"))
    assert name in raised.value.message
    assert raised.value.remedy


def test_a_folder_is_no_sound_file(tmp_path: Path) -> None:
    """Neither as an input nor as an output."""
    with pytest.raises(UnreadableSound, match="directory"):
        check(AudioSettings(input=str(tmp_path), output="null"))
    with pytest.raises(OutputFailed, match=r"is no file|directory"):
        check(AudioSettings(input="none", output=str(tmp_path)))
    with pytest.raises(OutputFailed, match="no folder"):
        check(AudioSettings(input="none", output=str(tmp_path / "nowhere" / "out.wav")))


def test_a_device_cannot_go_fast() -> None:
    """It keeps its own time."""
    with pytest.raises(ConfigError, match="cannot go fast"):
        check(AudioSettings(pace="fast", output="null"))


async def test_a_written_file_is_valid_at_any_moment(tmp_path: Path) -> None:
    """After every piece the file reads back whole, up to half a second short, without being closed."""
    path = tmp_path / "out.wav"
    output = await asyncio.to_thread(WavOutput, path, 16_000)
    tone = sine(440, 3.0, 16_000)
    for at in range(0, tone.size, 320):
        await output.write(tone[at : at + 320])
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == 16_000
        assert at + 320 - 8000 <= samples.size <= at + 320
        np.testing.assert_allclose(samples, tone[: samples.size], atol=1e-4)
    await output.close()
    assert soundfile.info(path).frames == tone.size


async def test_a_killed_writer_leaves_a_valid_file(tmp_path: Path) -> None:
    """SIGKILL amid writing costs at most the last half second."""
    path = tmp_path / "out.wav"
    script = (
        "import asyncio, os, signal, sys, pathlib, numpy as np\n"
        "from services.audio.engines.wavfiles import WavOutput\n"
        "async def main():\n"
        "    output = WavOutput(pathlib.Path(sys.argv[1]), 16000)\n"
        "    for _ in range(110):\n"
        "        await output.write(np.full(320, 0.25, np.float32))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script, path, cwd=Path(__file__).parents[3])
    assert await killed.wait() == -9
    samples, _ = soundfile.read(path, dtype="float32")
    assert 110 * 320 - 8000 <= samples.size <= 110 * 320
    assert np.all(samples == 0.25)


async def test_flac_is_written_whole(tmp_path: Path) -> None:
    """A closed FLAC file holds every sample."""
    output = await asyncio.to_thread(FlacOutput, tmp_path / "out.flac", 22_050)
    tone = sine(440, 1.2, 22_050)
    await output.write(tone)
    await output.close()
    samples, rate = soundfile.read(tmp_path / "out.flac", dtype="float32")
    assert rate == 22_050
    np.testing.assert_allclose(samples, tone, atol=1e-4)


async def test_a_full_disk_says_so_and_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENOSPC in the middle: OutputFailed with the reason, and a valid file up to there."""
    path = tmp_path / "out.wav"
    output = await asyncio.to_thread(WavOutput, path, 16_000)
    await output.write(np.full(16_000, 0.25, np.float32))
    real = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        if offset + len(data) > 40_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputFailed, match="No space left on device"):
        await output.write(np.full(16_000, 0.25, np.float32))
    await output.close()
    assert soundfile.info(path).frames == 16_000


async def test_a_disk_that_really_is_full_is_named(tmp_path: Path) -> None:
    """The kernel's own full device refuses the first byte."""
    link = tmp_path / "out.wav"
    link.symlink_to("/dev/full")
    with pytest.raises(OutputFailed, match="No space left on device"):
        await asyncio.to_thread(WavOutput, link, 16_000)


async def test_a_fifo_is_read_until_its_writer_leaves(tmp_path: Path) -> None:
    """A reader that comes first waits; odd bytes find their other half."""
    os.mkfifo(tmp_path / "in")
    tone = sine(440, 0.5, 16_000)
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys,time\nd=sys.stdin.buffer.read()\nf=open(sys.argv[1],'wb',0)\n"
         "[f.write(d[i:i+999]) for i in range(0,len(d),999)]", tmp_path / "in"],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdin is not None
    writer.stdin.write(pcm16(tone))
    writer.stdin.close()
    samples = await whole(await asyncio.to_thread(PipeInput, tmp_path / "in"))
    writer.wait()
    np.testing.assert_allclose(samples, tone, atol=1e-4)


async def test_a_fifo_takes_raw_samples_while_somebody_reads(tmp_path: Path) -> None:
    """Without a reader sound is lost, not waited for; a reader that left is an error with a remedy."""
    path = tmp_path / "out"
    os.mkfifo(path)
    output = PipeOutput(path)
    await output.write(sine(440, 0.1, 16_000))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    await output.write(sine(440, 0.1, 16_000))
    assert os.read(reader, 100_000) == pcm16(sine(440, 0.1, 16_000))
    os.close(reader)
    with pytest.raises(OutputFailed, match="pipe"):
        await output.write(sine(440, 0.1, 16_000))
    await output.close()


def test_a_name_is_a_device_a_file_a_pipe_or_nothing(tmp_path: Path) -> None:
    """What exists or ends like a sound file is a file."""
    os.mkfifo(tmp_path / "fifo")
    assert address("default") == Device("default")
    assert address("USB Audio") == Device("USB Audio")
    assert address("3") == Device("3")
    assert address("question.wav") == SoundFile(Path("question.wav"))
    assert address("./answer") == SoundFile(Path("answer"))
    assert address(str(tmp_path / "fifo")) == RawPipe(tmp_path / "fifo")
    assert address("-") == RawPipe(None)
    assert address("null") == address("none") == Nothing()
