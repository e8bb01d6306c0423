"""The audio service on real sound devices: PortAudio on a PulseAudio whose microphone and speaker are software."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.audio import AudioService, AudioSettings, PortAudio, list_devices, playout
from services.testing import Bench, running
from shared.events import AudioCaptured, AudioPause, AudioPlayed, AudioStop, ServiceDegraded, ServiceReady
from shared.pcm import Floats, floats, pcm16

from .conftest import sine
from .espeak import spoken

sys.path.insert(0, str(Path(__file__).parents[2]))
from kit.pulse import PulseAudio, Recording, room

pytestmark = [pytest.mark.slow, pytest.mark.may_block("the virtual sound card is run by hand")]


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[PulseAudio]:
    with PulseAudio(tmp_path) as pulse, pulse.here():
        yield pulse


def service(**settings: Any) -> AudioService:
    """The service on PortAudio, with so much sound in the device that a busy machine does not tear it."""
    return AudioService(AudioSettings(**{"output_latency_ms": 150, **settings}), devices=PortAudio)


RAW = {"echo_cancellation": False, "noise_suppression": False, "gain_control": False}
"""Settings that leave the microphone's samples as they are."""


def match(needle: Floats, hay: Floats) -> tuple[int, float]:
    """Where `needle` is found in `hay`, and their correlation there (1: the same but for loudness)."""
    size = 1 << (needle.size + hay.size).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)[: hay.size]
    at = int(np.argmax(product))
    part = hay[at : at + needle.size]
    norm = float(np.linalg.norm(part) * np.linalg.norm(needle[: part.size])) or 1.0
    return at, float(np.dot(part, needle[: part.size]) / norm)


def found(needle: Floats, hay: Floats) -> float:
    """The share of `needle`'s pieces of 0.2 s that are in `hay`, unchanged and in their order.

    On a machine that is busy with other things a driver may lose some ms: that costs one piece, a sentence that is
    missing, repeated, distorted or at another rate costs most of them.
    """
    at, hits, pieces = 0, 0, [needle[i : i + 3200] for i in range(0, needle.size - 3200, 3200)]
    pieces = [piece for piece in pieces if np.abs(piece).max() > 0.05]
    for piece in pieces:
        offset, likeness = match(piece, hay[at:])
        if likeness > 0.97:
            at, hits = at + offset + piece.size // 2, hits + 1
    return hits / len(pieces)


async def captured(bench: Bench, seconds: float) -> Floats:
    """The next `seconds` of audio.captured."""
    frames = [await bench.next(AudioCaptured) for _ in range(round(seconds * 50))]
    firsts = [frame.first_sample for frame in frames]
    assert firsts == list(range(firsts[0], firsts[0] + 320 * len(frames), 320))
    return floats(b"".join(frame.pcm for frame in frames))


async def test_what_is_said_into_the_microphone_is_captured(pulse: PulseAudio) -> None:
    """The captured frames hold the spoken sentence, whole and gapless."""
    said = spoken("What time is it in Berlin?")
    async with running(service(output="null", **RAW)) as bench:
        await captured(bench, 0.3)
        pulse.speak_into_microphone(pcm16(said), 16_000)
        heard = await captured(bench, said.size / 16_000 + 1.0)
    assert found(said, heard) >= 0.75


async def test_what_is_spoken_comes_out_of_the_speaker(pulse: PulseAudio, voice: Any) -> None:
    """The speaker's recording holds both clauses, one right after the other; reports end at the last sample."""
    one, two = spoken("It is a quarter past seven."), spoken("The weather is mild.")
    async with running(service(input="none")) as bench:
        with pulse.recording(16_000) as recording:
            bench.bus.publish(voice.piece(one, clause=0))
            bench.bus.publish(voice.piece(two, clause=1))
            ended = []
            while len(ended) < 2:
                played = await bench.next(AudioPlayed)
                ended += [played] if played.ended else []
            heard = await asyncio.to_thread(recording.read, (one.size + two.size) / 16_000 + 0.5)
    assert [(p.clause, p.until_sample) for p in ended] == [(0, one.size), (1, two.size)]
    assert found(np.concatenate((one, two)), heard) >= 0.75


async def test_recording_while_playing(pulse: PulseAudio, voice: Any) -> None:
    """Microphone and speaker work at the same time, and neither loses a sample."""
    said, answer = spoken("Set a timer for ten minutes."), spoken("Your timer is set, it will ring at noon.")
    async with running(service(**RAW)) as bench:
        with pulse.recording(16_000) as recording:
            await captured(bench, 0.2)
            pulse.speak_into_microphone(pcm16(said), 16_000)
            bench.bus.publish(voice.piece(answer))
            heard = await captured(bench, 3.5)
            played = await asyncio.to_thread(recording.read, 3.5)
    assert found(said, heard) >= 0.75
    assert found(answer, played) >= 0.75


async def test_a_pause_is_soon_silent_and_reports_what_was_heard(pulse: PulseAudio, voice: Any) -> None:
    """What the reports say was heard is what the recording holds, to 10 ms; the time to silence is printed."""
    tone = sine(440, 5.0, 22_050)
    times = []
    async with running(service(input="none", output_latency_ms=30)) as bench:
        for turn in range(1, 6):
            reply = f"r{turn}"
            with pulse.recording(16_000) as recording:
                bench.bus.publish(voice.piece(tone, rate=22_050, reply=reply, turn=turn))
                while (await bench.next(AudioPlayed)).until_sample < 11_025:
                    continue
                recorded = asyncio.create_task(asyncio.to_thread(heard_out, recording))
                asked = time.monotonic()
                bench.publish(AudioPause, reply=reply, turn=turn)
                loud, since = await recorded
            times.append(1000 * (since - asked))
            bench.publish(AudioStop, reply=reply, turn=turn)
            reports = [e for e in rest(bench) if isinstance(e, AudioPlayed) and e.reply == reply]
            assert loud / 16_000 == pytest.approx(reports[-1].until_sample / 22_050, abs=0.01)
            assert not any(report.ended for report in reports)
    print("audio.pause to silence: " + ", ".join(f"{ms:.0f}" for ms in sorted(times)) + " ms")


def heard_out(recording: Recording) -> tuple[int, float]:
    """Samples from the first loud one to the last before a long silence, and when that silence began."""
    since = recording.silent_since()
    samples = recording.heard
    loud = np.flatnonzero(np.abs(samples) > 0.005)
    return int(loud[-1] - loud[0]), since


def rest(bench: Bench) -> list[Any]:
    """What the bench has seen and nobody has read."""
    events = []
    while (event := bench._seen.take_nowait()) is not None:
        events.append(event)
    return events


async def test_a_microphone_that_vanishes_and_returns_is_picked_up_again(pulse: PulseAudio) -> None:
    """service.degraded names it, silence keeps the clock going in real time, and speech is heard again after."""
    async with running(service(output="null", **RAW)) as bench:
        await captured(bench, 0.3)
        await asyncio.to_thread(pulse.stop)
        degraded = await bench.next(ServiceDegraded)
        assert "microphone" in degraded.reason
        begun = time.monotonic()
        assert not np.any(await captured(bench, 1.0))
        assert time.monotonic() - begun > 0.4
        await asyncio.to_thread(pulse.start)
        await bench.next(ServiceReady)
        said = spoken("Hello again.")
        await captured(bench, 0.3)
        pulse.speak_into_microphone(pcm16(said), 16_000)
        heard = await captured(bench, said.size / 16_000 + 1.0)
    assert found(said, heard) >= 0.75


async def test_a_speaker_that_is_unplugged_and_plugged_in_again_goes_on(pulse: PulseAudio, voice: Any) -> None:
    """The answer goes on where it was cut off, the capture clock has no gap, and every sample is reported."""
    answer = spoken("It is a quarter past seven in the evening, and the weather is mild and dry until tomorrow.")
    async with running(service(**RAW)) as bench:
        bench.bus.publish(voice.piece(answer))
        while (await bench.next(AudioPlayed)).until_sample < 16_000:
            continue
        await asyncio.to_thread(pulse.unplug)
        assert "went away" in (await bench.next(ServiceDegraded)).reason
        await asyncio.to_thread(pulse.plug)
        with pulse.recording(16_000) as recording:
            heard = await asyncio.to_thread(recording.read, answer.size / 16_000)
            while not (played := await bench.next(AudioPlayed)).ended:
                continue
    assert played.until_sample == answer.size
    assert found(np.asarray(answer[-32_000:]), heard) >= 0.75
    firsts = [event.first_sample for event in bench.log if isinstance(event, AudioCaptured)]
    assert firsts == list(range(0, 320 * len(firsts), 320))


async def test_a_speaker_that_rested_plays_at_once(
    pulse: PulseAudio, voice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rest nothing of an answer is lost, and it is heard about as soon as without one (times are printed)."""
    monkeypatch.setattr(playout, "_TIRED", 8_000)
    answer = spoken("It is a quarter past seven.")
    times = []
    async with running(service(input="none", output_latency_ms=30)) as bench:
        with pulse.recording(16_000) as recording:
            for reply in ("r1", "r2", "r3"):
                recorded = asyncio.create_task(asyncio.to_thread(recording.read, 4.0))
                await captured(bench, 1.0)
                asked = time.monotonic()
                bench.bus.publish(voice.piece(answer, reply=reply))
                while not (played := await bench.next(AudioPlayed)).until_sample:
                    continue
                times.append(1000 * (time.monotonic() - asked) - played.until_sample / 16)
                while not played.ended:
                    played = await bench.next(AudioPlayed)
                assert found(answer, await recorded) >= 0.75
    print("tts.audio to the first sample after a rest: " + ", ".join(f"{ms:.0f}" for ms in times) + " ms")


async def test_the_assistant_does_not_hear_itself(pulse: PulseAudio, voice: Any) -> None:
    """With the speaker's sound back in the microphone at -12 dB through a room, at least 20 dB of it go.

    In the median half second: where a busy machine tears the sound, the canceller searches for a moment.
    """
    answer = spoken("The quick brown fox jumps over the lazy dog. It is a quarter past seven in the evening. " * 2)
    levels = {}
    for what, settings in (
        ("raw", RAW),
        ("clean", {"output_latency_ms": 60, "noise_suppression": False, "gain_control": False}),
    ):
        async with running(service(**settings)) as bench:
            with pulse.loopback(-12, room=room()):
                bench.bus.publish(voice.piece(answer))
                await captured(bench, 3.0)
                levels[what] = sorted([level(await captured(bench, 0.5)) for _ in range(8)])[4]
    print(f"echo in the microphone: {levels['raw']:.1f} dBFS, cleaned {levels['clean']:.1f} dBFS")
    assert levels["raw"] > -45
    assert levels["raw"] - levels["clean"] > 20


def level(samples: Floats) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-12))


async def test_a_device_that_is_plugged_in_while_another_is_in_use_is_taken_up(
    pulse: PulseAudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A microphone named before it exists is waited for; looking for it does not disturb the speaker for nothing."""
    async with running(service(input="headset", **RAW)) as bench:
        assert "no microphone named 'headset'" in (await bench.next(ServiceDegraded)).reason
        configuration = tmp_path / "asound.conf"
        configuration.write_text(configuration.read_text() + "pcm.headset { type pulse hint { show on } }\n")
        await bench.next(ServiceReady, timeout=15)
        said = spoken("Hello, can you hear me?")
        await captured(bench, 0.3)
        pulse.speak_into_microphone(pcm16(said), 16_000)
        heard = await captured(bench, said.size / 16_000 + 1.0)
    assert found(said, heard) >= 0.75


async def test_the_devices_are_listed(pulse: PulseAudio) -> None:
    """`pulse` can record and play, and is the default or stands beside it."""
    devices = {device.name: device for device in list_devices()}
    assert devices["pulse"].inputs > 0
    assert devices["pulse"].outputs > 0
    assert any(device.default_output for device in devices.values())
