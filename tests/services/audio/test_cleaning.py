"""The echo canceller on a synthetic room: the assistant's own voice goes, the person's stays."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from services.audio import AudioSettings, cleaner
from services.audio.cleaning import NoCleaning
from services.audio.engines.webrtc import WebRtcCleaner, WithoutLog
from shared.pcm import Floats, resample

from .espeak import spoken

_ANSWER = (
    "The quick brown fox jumps over the lazy dog. It is now a quarter past seven in the evening, and the weather "
    "will be mild and dry until tomorrow. "
) * 2


@functools.cache
def echo_of(seed: int, delay_ms: int) -> Floats:
    """The answer as it comes back: at -12 dB, through 150 ms of decaying noise, `delay_ms` late."""
    rng = np.random.default_rng(seed)
    size = 2400
    room = rng.standard_normal(size) * 10 ** (-3 * np.arange(size) / size) * 0.1
    room[0] = 1.0
    room *= 10 ** (-12 / 20) / np.sqrt(np.sum(np.square(room)))
    answer = spoken(_ANSWER)
    late = np.concatenate((np.zeros(16 * delay_ms), np.convolve(answer, room)))[: answer.size]
    return np.asarray(late, dtype=np.float32)


def cleaned(microphone: Floats, played: Floats, rate: int = 16_000, **what: bool) -> Floats:
    """The microphone's frames after the cleaner, with what was played in blocks of 10 ms."""
    clean = WebRtcCleaner(**{"echo": True, "noise": False, "gain": False, **what})
    block = rate // 100
    frames = []
    for at in range(0, microphone.size - 320, 320):
        first = at // 160 * block
        blocks = [played[first : first + block], played[first + block : first + 2 * block]]
        frames.append(clean.clean(microphone[at : at + 320], blocks, rate))
    return np.concatenate(frames)


def db(a: Floats, b: Floats) -> float:
    """How much louder `a` is than `b`."""
    return float(10 * np.log10(np.mean(np.square(a)) / np.mean(np.square(b))))


@pytest.mark.parametrize("delay_ms", [10, 60, 200])
def test_the_residual_echo_is_strongly_down(delay_ms: int) -> None:
    """After two seconds the echo is at least 25 dB below what came in (measured: 36 to 45)."""
    echo = echo_of(1, delay_ms)
    noise = np.random.default_rng(2).standard_normal(echo.size).astype(np.float32) * 1e-4
    out = cleaned(echo + noise, spoken(_ANSWER))
    settled = slice(2 * 16_000, out.size)
    erle = db(echo[settled], out[settled])
    print(f"ERLE {erle:.1f} dB at {delay_ms} ms")
    assert erle >= 25


def test_the_reference_may_come_at_the_device_s_rate() -> None:
    """Blocks at 48 kHz are as good a reference."""
    echo = echo_of(1, 60)
    out = cleaned(echo, resample(spoken(_ANSWER), 16_000, 48_000), rate=48_000)
    assert db(echo[32_000 : out.size], out[32_000:]) >= 25


def talked_over(pause_s: float | None) -> tuple[Floats, Floats]:
    """A sentence said over the answer, as cleaned and as said; the speaker is paused `pause_s` after its onset."""
    person = spoken("Stop. What time is it in Berlin?", voice="en-us+f4") * 0.6
    at = 6 * 16_000
    played, microphone = spoken(_ANSWER).copy(), echo_of(1, 60).copy()
    if pause_s is not None:
        silent = at + round(pause_s * 16_000)
        played[silent:] = 0
        microphone[silent + 2400 :] = 0
    microphone[at : at + person.size] += person
    return cleaned(microphone, played)[at : at + person.size], np.asarray(person, dtype=np.float32)


def likeness(out: Floats, said: Floats) -> float:
    """Correlation of log energies by band and time."""
    return float(np.corrcoef(_bands(out).ravel(), _bands(said).ravel())[0, 1])


def test_a_person_who_speaks_over_the_answer_is_kept() -> None:
    """While both talk without end, the person's level stays within 6 dB and the words like themselves."""
    out, said = talked_over(None)
    print(f"double talk: level {db(out, said):+.1f} dB, likeness {likeness(out, said):.2f}")
    assert abs(db(out, said)) < 6
    assert likeness(out, said) > 0.7


def test_once_the_speaker_is_paused_the_person_passes_untouched() -> None:
    """A barge-in pauses the speaker within 150 ms: what is said from then on is as clear as in silence."""
    out, said = talked_over(0.15)
    rest = slice(16_000 * 3 // 10, said.size)
    print(f"after the pause: level {db(out[rest], said[rest]):+.1f} dB, likeness {likeness(out[rest], said[rest]):.2f}")
    assert abs(db(out[rest], said[rest])) < 3
    assert likeness(out[rest], said[rest]) > 0.9


def test_without_an_echo_the_voice_passes() -> None:
    """Somebody who speaks while nothing is played is left alone."""
    person = spoken("What time is it in Berlin?")
    out = cleaned(person, np.zeros_like(person))
    assert abs(db(out, person[: out.size])) < 3


def headset(voice_db: float, at_s: float) -> tuple[Floats, Floats]:
    """A sentence said into a headset over the answer, which leaves no echo, as cleaned and as said."""
    said = spoken("Stop. What time is it in Berlin?", voice="en-us+f4")
    said = np.asarray(said * 10 ** ((voice_db - db(said, np.ones(1, np.float32))) / 20), dtype=np.float32)
    answer, at = spoken(_ANSWER), round(at_s * 16_000)
    microphone = np.random.default_rng(2).standard_normal(answer.size).astype(np.float32) * 10 ** (-65 / 20)
    microphone[at : at + said.size] += said
    return cleaned(microphone.astype(np.float32), answer)[at : at + said.size], said


@pytest.mark.parametrize("voice_db", [-20.0, -35.0])
@pytest.mark.parametrize("at_s", [1.5, 6.0])
def test_without_an_echo_the_voice_passes_over_an_answer(at_s: float, voice_db: float) -> None:
    """With headphones a person is heard from a second and a half after the first answer began, as in silence."""
    out, said = headset(voice_db, at_s)
    assert abs(db(out, said)) < 3
    assert likeness(out, said) > 0.9


def test_after_headphones_are_unplugged_the_echo_is_down_again() -> None:
    """From a second after the speaker is heard in the room nothing of it is left."""
    at, echo = 6 * 16_000, echo_of(1, 60)
    microphone = np.random.default_rng(2).standard_normal(echo.size).astype(np.float32) * 10 ** (-65 / 20)
    microphone[at:] += echo[at:]
    out = cleaned(microphone.astype(np.float32), spoken(_ANSWER))
    settled = slice(at + 16_000, out.size)
    assert db(echo[settled], out[settled]) >= 25


def test_steady_noise_is_suppressed_and_speech_is_not() -> None:
    """Noise alone goes down by at least 10 dB after its first second."""
    noise = np.random.default_rng(3).standard_normal(4 * 16_000).astype(np.float32) * 0.01
    out = cleaned(noise, np.zeros_like(noise), echo=False, noise=True)
    assert db(noise[32_000 : out.size], out[32_000:]) > 10


def test_files_are_left_alone_and_devices_are_not() -> None:
    """Unset switches follow the ends; set ones are obeyed."""
    assert isinstance(cleaner(AudioSettings(input="a.wav", output="b.wav")), NoCleaning)
    assert isinstance(cleaner(AudioSettings()), WebRtcCleaner)
    assert isinstance(cleaner(AudioSettings(input="a.wav", output="b.wav", echo_cancellation=True)), WebRtcCleaner)


def _bands(samples: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Log energies of 20 bands in steps of 20 ms, shape (steps, 20), floored 40 dB below the loudest."""
    steps = np.lib.stride_tricks.sliding_window_view(samples, 512)[::320] * np.hanning(512)
    energy = np.square(np.abs(np.fft.rfft(steps, axis=1)))[:, 4:124].reshape(len(steps), 20, 6).sum(axis=2)
    return np.asarray(10 * np.log10(np.maximum(energy, energy.max() * 1e-4)))


def test_the_library_is_not_asked_for_its_log() -> None:
    """A thread of its own that hands it to Python aborts the process, now and then, while Python ends."""
    asked: list[object] = []
    library = WithoutLog(lambda: SimpleNamespace(livekit_ffi_initialize=lambda *what: asked.append(what)))()
    library.livekit_ffi_initialize.argtypes = []
    library.livekit_ffi_initialize("callback", True, b"python", b"1")
    assert asked == [("callback", False, b"python", b"1")]


def test_livekit_loads_its_library_so() -> None:
    """However many cleaners there are."""
    from livekit.rtc import _ffi_client

    for _ in range(2):
        WebRtcCleaner(echo=True, noise=False, gain=False)
    assert isinstance(_ffi_client.get_ffi_lib, WithoutLog)
    assert not isinstance(_ffi_client.get_ffi_lib._load, WithoutLog)
    assert type(_ffi_client.FfiClient.instance._ffi_lib.livekit_ffi_initialize).__module__ == WithoutLog.__module__
