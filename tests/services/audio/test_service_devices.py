"""The audio service on scripted devices: what it does when they come, go, and report their latency."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from services.audio import AudioService, AudioSettings, DeviceBusy, DeviceNotFound, playout
from services.audio.cleaning import NoCleaning
from services.audio.devices import Captured, Source
from services.testing import Bench, running
from shared.clock import SystemClock
from shared.events import (
    AudioCaptured,
    AudioChime,
    AudioPause,
    AudioPlayed,
    AudioResume,
    AudioStop,
    AudioVolume,
    MetricSample,
    ServiceDegraded,
    ServiceReady,
    TtsFailed,
    TurnStarted,
)
from shared.pcm import Floats, floats

from .conftest import Voice, sine

MS = 1_000_000
VOICE = Voice()


class Stream:
    """A device in the test's hand."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.latency_s = 0.0
        self.gaps = 0
        self.open = True
        self.resting = False
        self._gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def vanish(self) -> None:
        self._gone.set_result("The sound device went away.")

    async def lost(self) -> str:
        return await self._gone

    async def rest(self) -> None:
        self.resting = True

    async def wake(self) -> None:
        self.resting = False

    async def close(self) -> None:
        self.open = False


class Microphone(Stream):
    def __init__(self, rate: int, captured: Captured) -> None:
        super().__init__(rate)
        self._captured = captured

    def say(self, samples: Floats) -> None:
        """Capture samples now."""
        for at in range(0, samples.size, self.rate // 50):
            self._captured(samples[at : at + self.rate // 50], self.rate, SystemClock().monotonic_ns())


class Speaker(Stream):
    def __init__(self, rate: int, source: Source) -> None:
        super().__init__(rate)
        self._source = source
        self.lead: Floats = np.zeros(0, np.float32)
        """Rendered and not played yet."""
        source.begin(rate)

    def attend(self) -> None:
        """Nothing is rendered before it is played, unless the test asks for it; what lies ahead is cut to 5 ms."""
        if self._source.cutting and self.lead.size:
            self.lead = self.lead[: self.rate // 200]
            self._source.cut(self.lead.size)

    def render(self, frames: int) -> None:
        """Have samples lie ahead."""
        self.lead = np.concatenate((self.lead, self._source.ahead(frames)))

    def play(self, frames: int, in_ms: int = 0) -> Floats:
        """Take samples that leave the device from `in_ms` from now on."""
        self.render(max(0, frames - self.lead.size))
        taken, self.lead = self.lead[:frames], self.lead[frames:]
        now = SystemClock().monotonic_ns()
        self._source.took(taken.size, frames - taken.size, now, now + in_ms * MS)
        return np.pad(taken, (0, frames - taken.size))


class Devices:
    """A machine with one of each; `microphone` and `speaker` are what was opened last."""

    def __init__(self, rate: int = 16_000) -> None:
        self.rate = rate
        self.microphone: Microphone | None = None
        self.speaker: Speaker | None = None
        self.plugged = True
        self.busy = False

    async def open_input(self, name: str, captured: Captured) -> Microphone:
        self._require("microphone")
        self.microphone = Microphone(self.rate, captured)
        return self.microphone

    async def open_output(self, name: str, latency_s: float, source: Source) -> Speaker:
        self._require("speaker")
        self.speaker = Speaker(self.rate, source)
        return self.speaker

    async def close(self) -> None:
        """Nothing of its own to let go."""

    def _require(self, kind: str) -> None:
        if not self.plugged:
            raise DeviceNotFound(f"There is no {kind}.", remedy="Plug one in.")
        if self.busy:
            raise DeviceBusy("The sound device cannot be opened: Device unavailable.", remedy="Close the program.")


@pytest.fixture
def devices() -> Devices:
    return Devices()


def service(devices: Devices, **settings: str) -> AudioService:
    return AudioService(AudioSettings(**settings), devices=lambda: devices, cleaner=lambda _: NoCleaning())


async def heard(bench: Bench, samples: int) -> Floats:
    """The next captured samples."""
    frames = [await bench.next(AudioCaptured) for _ in range(samples // 320)]
    return floats(b"".join(frame.pcm for frame in frames))


async def obeyed(bench: Bench) -> None:
    """Wait until the service has read everything published by now."""
    while next(ledger for ledger in bench.bus.stats() if ledger.name == "audio").queued:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def until_ended(bench: Bench) -> AudioPlayed:
    """The next report that ends a clause."""
    while not (played := await bench.next(AudioPlayed)).ended:
        continue
    return played


async def test_samples_of_any_rate_become_16_khz_frames() -> None:
    """A device at 48 kHz is resampled; positions have no gap."""
    devices = Devices(48_000)
    async with running(service(devices, output="null")) as bench:
        assert devices.microphone is not None
        devices.microphone.say(sine(440, 1.0, 48_000))
        samples = await heard(bench, 14_400)
    np.testing.assert_allclose(samples[800:], sine(440, 1.0, 16_000)[800:14_400], atol=0.01)


async def test_what_is_played_is_reported_when_it_has_left_the_device(devices: Devices) -> None:
    """The device's own latency counts: a block pulled now but heard later is not reported before."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(sine(440, 1.0, 16_000)))
        await obeyed(bench)
        pulled = SystemClock().monotonic_ns()
        devices.speaker.play(1600, in_ms=100)
        played = await bench.next(AudioPlayed)
        assert SystemClock().monotonic_ns() - pulled > 100 * MS
        while played.until_sample < 1600:
            assert played.until_sample <= (SystemClock().monotonic_ns() - pulled - 100 * MS) * 16_000 // 1_000_000_000
            played = await bench.next(AudioPlayed)
    assert not played.ended


async def test_a_pause_is_silent_from_the_next_block_on_and_a_resume_goes_back(devices: Devices) -> None:
    """Neither waits for what is queued."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.5, np.float32)))
        await obeyed(bench)
        devices.speaker.play(1600)
        bench.publish(AudioPause, reply="r1", turn=1)
        await obeyed(bench)
        assert not devices.speaker.play(1600)[80:].any()
        bench.publish(AudioResume, reply="r1", clause=0, from_sample=800, turn=1)
        await obeyed(bench)
        assert np.all(devices.speaker.play(1600)[80:] == 0.5)
        while (await bench.next(AudioPlayed)).until_sample < 2400:
            continue


async def test_a_fence_silences_its_turn_without_a_request(devices: Devices) -> None:
    """What was queued of the older turn is gone with the next block; the newer turn plays."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.5, np.float32), reply="old", turn=1))
        await obeyed(bench)
        devices.speaker.play(160)
        bench.bus.fence("test", 2)
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.5, np.float32), reply="old", turn=1, clause=1))
        assert not devices.speaker.play(1600)[80:].any()
        bench.bus.publish(VOICE.piece(np.full(320, 0.25, np.float32), reply="new", turn=2))
        await obeyed(bench)
        assert np.all(devices.speaker.play(320) == 0.25)


async def test_another_session_s_speech_is_not_ours_to_play(devices: Devices) -> None:
    """Only this session (or none at all) is heard in this room."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        piece = VOICE.piece(np.full(320, 0.5, np.float32))
        bench.bus.publish(piece.model_copy(update={"session": "elsewhere"}))
        await obeyed(bench)
        assert not devices.speaker.play(320).any()


async def test_a_stop_a_chime_and_a_louder_voice(devices: Devices) -> None:
    """Requests take effect with the next block."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.2, np.float32)))
        bench.publish(AudioVolume, change="louder", percent=None)
        await obeyed(bench)
        devices.speaker.play(160)
        assert devices.speaker.play(160) == pytest.approx(np.full(160, 0.4), abs=1e-4)
        bench.publish(AudioStop, reply="")
        bench.publish(AudioChime, sound="alarm")
        await obeyed(bench)
        assert 0.1 < np.abs(devices.speaker.play(3200)).max() < 1.0


async def test_an_alarm_ends_a_mute(devices: Devices) -> None:
    """Who muted the evening wants to be woken, and hears what is said of it as loud as before."""
    async with running(service(devices, input="none", volume=50)) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.2, np.float32)))
        bench.publish(AudioVolume, change="set", percent=0)
        await obeyed(bench)
        devices.speaker.play(160)
        assert not devices.speaker.play(160).any()
        bench.publish(AudioChime, sound="alarm")
        await obeyed(bench)
        devices.speaker.play(160)
        assert devices.speaker.play(160) == pytest.approx(np.full(160, 0.1), abs=1e-4)


async def test_a_clause_that_could_not_be_spoken_does_not_hold_up_the_next(devices: Devices) -> None:
    """tts.failed ends its clause where it is."""
    async with running(service(devices, input="none")) as bench:
        assert devices.speaker is not None
        bench.bus.publish(VOICE.piece(np.full(320, 0.5, np.float32), clause=1))
        bench.publish(TtsFailed, reply="r1", clause=0, engine="x", reason="no", turn=1)
        await obeyed(bench)
        assert devices.speaker.play(320).any()
        ended = [await until_ended(bench) for _ in range(2)]
    assert [(p.clause, p.until_sample, p.ended) for p in ended] == [(0, 0, True), (1, 320, True)]


async def test_a_lost_speaker_goes_on_where_it_was_cut_off(devices: Devices) -> None:
    """Degraded with a sentence, opened again, ready again; what had not left the old device is played by the new."""
    async with running(service(devices, input="none")) as bench:
        first = devices.speaker
        assert first is not None
        bench.bus.publish(VOICE.piece(np.full(16_000, 0.5, np.float32)))
        await obeyed(bench)
        first.play(1600, in_ms=10_000)
        first.vanish()
        degraded = await bench.next(ServiceDegraded)
        assert "went away" in degraded.reason
        await bench.next(ServiceReady)
        assert not first.open
        second = devices.speaker
        assert second is not None
        assert second is not first
        assert np.all(second.play(16_000) == 0.5)
        played = await until_ended(bench)
    assert played.until_sample == 16_000


async def test_speech_does_not_wait_for_ever_for_a_speaker_that_is_away(devices: Devices) -> None:
    """Without a speaker at the start, clauses end in real time, heard by nobody, and the person is told."""
    devices.plugged = False
    async with running(service(devices, input="none")) as bench:
        assert "no speaker" in (await bench.next(ServiceDegraded)).reason
        bench.bus.publish(VOICE.piece(sine(440, 0.2, 16_000)))
        await until_ended(bench)


async def test_a_lost_microphone_leaves_silence_without_a_gap(devices: Devices) -> None:
    """The clock goes on; the device that returns is heard after it."""
    async with running(service(devices, output="null")) as bench:
        assert devices.microphone is not None
        devices.microphone.say(np.full(320, 0.5, np.float32))
        first = await bench.next(AudioCaptured)
        devices.plugged = False
        devices.microphone.vanish()
        assert "went away" in (await bench.next(ServiceDegraded)).reason
        assert "no microphone" in (await bench.next(ServiceDegraded)).reason
        silence = await bench.next(AudioCaptured)
        assert silence.first_sample == first.first_sample + 320
        assert not any(silence.pcm)
        devices.plugged = True
        await bench.next(ServiceReady)
        devices.microphone.say(np.full(320, 0.25, np.float32))
        position = silence.first_sample
        while not any((frame := await bench.next(AudioCaptured)).pcm):
            assert frame.first_sample > position
            position = frame.first_sample


async def test_a_speaker_that_nobody_wants_rests_until_a_turn_begins(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle device costs nothing; it is awake again before the answer is there, and at once for a chime."""
    monkeypatch.setattr(playout, "_TIRED", 1600)
    async with running(service(devices, input="none")) as bench:
        speaker = devices.speaker
        assert speaker is not None
        for wanted in (
            {"kind": TurnStarted, "reason": "speech", "first_sample": 0},
            {"kind": AudioChime, "sound": "wake"},
        ):
            while not speaker.resting:
                await bench.next(AudioCaptured)
                speaker.play(320)
            bench.publish(wanted.pop("kind"), turn=1, **wanted)  # type: ignore[arg-type] (kinds and fields in one row)
            while speaker.resting:
                await bench.next(AudioCaptured)


async def test_a_busy_device_is_named_with_what_to_do(devices: Devices) -> None:
    """The sentence says that something else uses it."""
    devices.busy = True
    async with running(service(devices, output="null")) as bench:
        reason = (await bench.next(ServiceDegraded)).reason
        assert "cannot be opened" in reason
        assert "Close the program" in reason
        devices.busy = False
        await bench.next(ServiceReady)


async def test_gaps_in_what_is_played_are_counted(devices: Devices) -> None:
    """A speaker that ran dry is no secret: once a second the new gaps are a metric."""
    async with running(service(devices)) as bench:
        assert devices.microphone is not None
        assert devices.speaker is not None
        devices.speaker.gaps = 3
        devices.microphone.say(np.zeros(16_000 + 320, np.float32))
        counted = await bench.next(MetricSample)
        assert (counted.name, counted.value) == ("audio.gaps", 3)
        devices.speaker.gaps = 4
        devices.microphone.say(np.zeros(16_000, np.float32))
        assert (await bench.next(MetricSample)).value == 1
