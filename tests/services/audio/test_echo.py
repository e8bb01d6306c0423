"""Whether there is an echo is told from what was played and what was heard, whoever speaks meanwhile."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from services.audio.echo import EchoWatch
from shared.pcm import CAPTURE_RATE, Floats

from .espeak import spoken

_ANSWER = (
    "I tell the time and date anywhere in the world, set timers and alarms, calculate, and convert units. "
    "It is now a quarter past seven in the evening, and the weather will be mild and dry until tomorrow. "
)
_QUESTION = "Stop. What time is it in Berlin, and how many miles are ten kilometers, please? "


def noise(level_db: float, size: int, seed: int = 2) -> Floats:
    """White noise at a level relative to full scale."""
    samples = np.random.default_rng(seed).standard_normal(size) * 10 ** (level_db / 20)
    return np.asarray(samples, dtype=np.float32)


@functools.cache
def echo(level_db: float, delay_ms: int = 130, seed: int = 1) -> Floats:
    """The answer as it comes back through 150 ms of decaying noise: most of it is reverberation."""
    rng = np.random.default_rng(seed)
    size = 2400
    room = rng.standard_normal(size) * 10 ** (-3 * np.arange(size) / size) * 0.1
    room[0] = 1.0
    room *= 10 ** (level_db / 20) / np.sqrt(np.sum(np.square(room)))
    answer = spoken(_ANSWER)
    late = np.concatenate((np.zeros(CAPTURE_RATE * delay_ms // 1000), np.convolve(answer, room)))[: answer.size]
    return np.asarray(late, dtype=np.float32)


def person(voice: str, gain: float, size: int) -> Floats:
    """Somebody who speaks without end."""
    return np.asarray(np.resize(spoken(_QUESTION, voice=voice), size) * gain, dtype=np.float32)


def watched(microphone: Floats, played: Floats | None = None, watch: EchoWatch | None = None) -> list[bool]:
    """What is believed after each frame of 20 ms."""
    watch, played = watch or EchoWatch(), spoken(_ANSWER) if played is None else played
    return [
        watch.hear(microphone[at : at + 320], played[at : at + 320])
        for at in range(0, min(microphone.size, played.size) - 320, 320)
    ]


def seconds_until(believed: list[bool], what: bool) -> float:
    """When it was first believed; as long as there is sound if never."""
    return 0.02 * (believed.index(what) if what in believed else len(believed))


@pytest.mark.parametrize("level_db", [-35, -45, -60, -90])
def test_no_echo_is_known_within_a_second_of_speech(level_db: float) -> None:
    """Noise of any level is no echo, and once known it stays known."""
    believed = watched(noise(level_db, spoken(_ANSWER).size))
    assert seconds_until(believed, False) <= 1.2
    assert not any(believed[60:])


def test_a_muted_microphone_hears_no_echo() -> None:
    """Digital silence is silence."""
    assert seconds_until(watched(np.zeros_like(spoken(_ANSWER))), False) <= 1.2


@pytest.mark.parametrize("delay_ms", [20, 130, 320])
@pytest.mark.parametrize(("level_db", "noise_db"), [(-12, -45), (-24, -45), (-12, -90), (-24, -60), (-36, -60)])
def test_an_echo_is_never_taken_for_none(level_db: float, noise_db: float, delay_ms: int) -> None:
    """Down to 2 dB above the noise it is cancelled from the first moment to the last."""
    sound = echo(level_db, delay_ms)
    assert all(watched(sound + noise(noise_db, sound.size)))


@pytest.mark.parametrize("level_db", [-12, -24, -36])
@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_somebody_who_speaks_all_the_time_is_no_proof_against_an_echo(gain: float, level_db: float) -> None:
    """A person up to 40 dB louder than the echo does not switch the canceller off."""
    sound = echo(level_db)
    assert all(watched(sound + person("en-us+f4", gain, sound.size) + noise(-70, sound.size)))


@pytest.mark.parametrize("voice", ["en-us+f4", "en-us+m2", "fr", "es"])
@pytest.mark.parametrize("gain", [1.0, 0.3, 0.1])
def test_a_person_is_no_echo(voice: str, gain: float) -> None:
    """Once no echo is known, somebody who speaks over the whole answer does not bring the canceller back."""
    watch, size = EchoWatch(), spoken(_ANSWER).size
    watched(noise(-65, size), watch=watch)
    assert not any(watched(person(voice, gain, size) + noise(-65, size), watch=watch))


@pytest.mark.parametrize("level_db", [-12, -24, -36])
def test_headphones_that_are_unplugged_are_noticed_at_once(level_db: float) -> None:
    """An echo that begins in mid-answer is known within half a second of its first sound, also the second time."""
    watch, size, at = EchoWatch(), spoken(_ANSWER).size, 5 * CAPTURE_RATE // 2
    for seed in (3, 4):
        microphone = noise(-65, size, seed)
        microphone[at:] += echo(level_db)[at:]
        believed = watched(microphone, watch=watch)
        assert seconds_until(believed, False) <= 2.0
        heard = np.flatnonzero(np.abs(echo(level_db)[at:]) > 10 ** (-50 / 20))[0] / CAPTURE_RATE
        assert seconds_until(believed[at // 320 :], True) - heard <= 0.5
        assert all(believed[-50:])


def test_nothing_is_concluded_while_nothing_is_played() -> None:
    """A quiet room says nothing as long as the speaker is silent or rests."""
    size = 10 * CAPTURE_RATE
    assert all(watched(noise(-60, size), np.zeros(size, np.float32)))
    watch = EchoWatch()
    assert all(watch.hear(noise(-60, 320), np.zeros(0, np.float32)) for _ in range(500))


def test_a_speaker_that_began_first_or_rested_meanwhile_is_followed() -> None:
    """Two seconds of what was played before the first frame, or a rest, do not hide the echo."""
    watch, sound, quiet = EchoWatch(), echo(-24), noise(-70, 5 * CAPTURE_RATE)
    watch.hear(quiet[:320], spoken(_ANSWER)[: 2 * CAPTURE_RATE])
    for at in range(0, quiet.size, 320):
        watch.hear(quiet[at : at + 320], np.zeros(0, np.float32))
    watch.echo = False
    assert seconds_until(watched(sound + noise(-70, sound.size), watch=watch), True) <= 0.7


def test_the_speaker_s_blocks_may_come_in_lumps() -> None:
    """Blocks that come at once with one frame and not with the next leave the evidence as it is."""
    watch, answer, microphone = EchoWatch(), spoken(_ANSWER), echo(-24) + noise(-60, spoken(_ANSWER).size)
    believed = []
    for at in range(0, answer.size - 3200, 320):
        lump = answer[at : at + 2240] if at % 2240 == 0 else answer[:0]
        believed.append(watch.hear(microphone[at : at + 320], lump))
    assert all(believed)
