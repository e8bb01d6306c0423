"""The audio service on files: gapless frames in, every sample out, reports that add up."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from services.testing import running
from shared.events import AudioCaptured, AudioHear, AudioPlayed, ServiceDegraded, SessionClosed
from shared.pcm import floats, pcm16

from .conftest import sine


async def test_a_file_is_captured_without_a_gap_and_then_silence_follows(service: Any, tmp_path: Path) -> None:
    """Frame after frame of 320 samples, positions without a gap, the file's own samples, then the trailing silence."""
    spoken = sine(440, 0.5, 16_000)
    soundfile.write(tmp_path / "in.wav", spoken, 16_000, subtype="PCM_16")
    audio = service(input=str(tmp_path / "in.wav"), output="null", pace="fast", trailing_silence_s=0.2)
    async with running(audio) as bench:
        frames = [await bench.next(AudioCaptured) for _ in range(40)]
    assert [f.first_sample for f in frames] == list(range(0, 40 * 320, 320))
    heard = floats(b"".join(f.pcm for f in frames))
    np.testing.assert_allclose(heard[:8000], spoken, atol=1e-4)
    assert not heard[8000:].any()


async def test_what_is_spoken_is_written_to_the_sample_and_reported(service: Any, voice: Any, tmp_path: Path) -> None:
    """Two clauses at the file's own rate come out bit for bit; each is reported up to its end, once with `ended`."""
    one, two = sine(300, 0.3, 22_050), sine(500, 0.2, 22_050)
    audio = service(input="none", output=str(tmp_path / "out.wav"), pace="fast")
    async with running(audio) as bench:
        bench.bus.publish(voice.piece(one, clause=0, rate=22_050))
        bench.bus.publish(voice.piece(two, clause=1, rate=22_050))
        played = []
        while not (played and played[-1].clause == 1 and played[-1].ended):
            played.append(await bench.next(AudioPlayed))
    assert [(p.clause, p.until_sample) for p in played if p.ended] == [(0, one.size), (1, two.size)]
    for clause in (0, 1):
        untils = [p.until_sample for p in played if p.clause == clause]
        assert untils == sorted(set(untils))
    assert all(p.turn == 1 and p.session == "test" and p.rate == 22_050 for p in played)
    written, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate == 22_050
    spoken = np.concatenate((one, two))
    start = int(np.flatnonzero(written)[0]) - int(np.flatnonzero(spoken)[0])
    np.testing.assert_allclose(written[start : start + spoken.size], spoken, atol=1e-4)


async def test_without_any_device_the_clock_goes_on_and_the_person_is_told(service: Any) -> None:
    """No microphone and no speaker: service.degraded says both, frames of silence come, speech is played to nobody."""
    async with running(service()) as bench:
        degraded = await bench.next(ServiceDegraded)
        assert "no microphone" in degraded.reason
        frame = await bench.next(AudioCaptured)
        assert not any(frame.pcm)


async def test_the_session_is_closed_when_the_input_has_ended(service: Any, tmp_path: Path) -> None:
    """With `exit_at_end`, session.closed comes once the trailing silence is over and nothing is open."""
    soundfile.write(tmp_path / "in.wav", sine(440, 0.1, 16_000), 16_000)
    audio = service(
        input=str(tmp_path / "in.wav"), output="null", pace="fast", trailing_silence_s=0.1, exit_at_end=True
    )
    async with running(audio) as bench:
        closed = await bench.next(SessionClosed)
    assert closed.reason == "input ended"


async def test_a_crash_loses_neither_the_place_in_the_input_nor_what_was_written(
    service: Any, voice: Any, tmp_path: Path
) -> None:
    """The same service run again goes on with its clock, its input, its queue and its output file."""
    ramp = np.asarray(np.arange(32_000) / 32_768, dtype=np.float32)
    soundfile.write(tmp_path / "in.wav", ramp, 16_000)
    spoken = sine(300, 2.0, 22_050)
    audio = service(input=str(tmp_path / "in.wav"), output=str(tmp_path / "out.wav"), pace="fast")
    frames = []
    async with running(audio) as bench:
        bench.bus.publish(voice.piece(spoken, rate=22_050))
        frames += [await bench.next(AudioCaptured) for _ in range(30)]
        await bench.next(AudioPlayed)
    frames += [e for e in unread(bench) if isinstance(e, AudioCaptured)]
    async with running(audio) as bench:
        while not (await bench.next(AudioPlayed)).ended:
            continue
    frames += [e for e in bench.log if isinstance(e, AudioCaptured)]
    assert [f.first_sample for f in frames] == list(range(0, 320 * len(frames), 320))
    heard = floats(b"".join(f.pcm for f in frames))
    np.testing.assert_allclose(heard[:32_000], ramp[: heard.size], atol=1e-4)
    written, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    start = int(np.flatnonzero(written)[0]) - 1
    np.testing.assert_allclose(written[start : start + spoken.size], spoken[: written.size - start], atol=1e-4)


async def test_a_disk_that_fills_up_degrades_and_the_conversation_goes_on(
    service: Any, voice: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is told, what was written stays, the clause still ends and the frames still come."""
    real = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        if offset > 40_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    async with running(service(input="none", output=str(tmp_path / "out.wav"), pace="fast")) as bench:
        bench.bus.publish(voice.piece(sine(300, 3.0, 22_050), rate=22_050))
        assert "No space left on device" in (await bench.next(ServiceDegraded)).reason
        while not (await bench.next(AudioPlayed)).ended:
            continue
        await bench.next(AudioCaptured)
    assert soundfile.info(tmp_path / "out.wav").frames > 16_000


def unread(bench: Any) -> list[Any]:
    """What was published and nobody has read."""
    events = []
    while (event := bench._seen.take_nowait()) is not None:
        events.append(event)
    return events


@pytest.mark.parametrize(("content", "says"), [(b"", "empty"), (b"no sound at all", "not a sound file")])
async def test_a_file_that_is_no_sound_is_said_and_not_fatal(
    service: Any, tmp_path: Path, content: bytes, says: str
) -> None:
    """A 0-byte or foreign file degrades the service with its name; the clock goes on."""
    (tmp_path / "bad.wav").write_bytes(content)
    async with running(service(input=str(tmp_path / "bad.wav"), output="null", pace="fast")) as bench:
        degraded = await bench.next(ServiceDegraded)
        assert "bad.wav" in degraded.reason
        assert says in degraded.reason
        await bench.next(AudioCaptured)


async def test_a_program_is_heard_as_if_it_spoke_into_the_microphone(service: Any, tmp_path: Path) -> None:
    """Its samples are laid over what the microphone hears, from the next frame on, in the order in which they came."""
    hum = np.full(16_000, 0.25, np.float32)
    soundfile.write(tmp_path / "in.wav", hum, 16_000, subtype="PCM_16")
    spoken = sine(440, 0.5, 16_000) * 0.5
    audio = service(input=str(tmp_path / "in.wav"), output="null", trailing_silence_s=0.0)
    async with running(audio) as bench:
        bench.publish(AudioHear, rate=16_000, pcm=pcm16(spoken[:5000]))
        bench.publish(AudioHear, rate=16_000, pcm=pcm16(spoken[5000:]))
        frames = [await bench.next(AudioCaptured) for _ in range(50)]
    heard = floats(b"".join(f.pcm for f in frames)) - 0.25
    start = int(np.flatnonzero(abs(heard) > 1e-3)[0]) - int(np.flatnonzero(abs(spoken) > 1e-3)[0])
    np.testing.assert_allclose(heard[start : start + spoken.size], spoken, atol=1e-3)
    assert not heard[start + spoken.size :].any()


async def test_more_sound_than_is_kept_is_refused_in_words(service: Any) -> None:
    """Ten minutes of it; the clock goes on."""
    async with running(service()) as bench:
        for _ in range(11):
            bench.publish(AudioHear, rate=16_000, pcm=bytes(2 * 60 * 16_000))
        while "may wait to be heard" not in (await bench.next(ServiceDegraded)).reason:
            pass
        await bench.next(AudioCaptured)
