"""How well Sotto notices: wake words and voice activity, against recordings."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from scripts.figures import Figure, plain
from scripts.stt_recordings import Folder
from services.listening import ListeningSettings, MicroWakeWords, SileroVad, SpeechDetector
from services.listening.detector import Ended, Started
from services.listening.ports import WINDOW
from shared.pcm import CAPTURE_RATE, Floats, pcm16

__all__ = ["speech", "voice_activity", "wake_words"]

WAKE = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")


def wake_words(folder: Folder) -> Iterator[Figure]:
    """Hits on clips of each phrase, and false alarms on everything else."""
    hits = dict.fromkeys(WAKE, 0)
    clips = dict.fromkeys(WAKE, 0)
    confused = others = 0
    for recording in folder.recordings("wakeword"):
        phrase = recording.label.removeprefix("wakeword:").replace(" ", "_").replace("-", "_")
        heard = set(
            _spotted(np.concatenate([np.zeros(CAPTURE_RATE, np.float32), recording.sound, np.zeros(8000, np.float32)]))
        )
        if phrase in clips:
            clips[phrase] += 1
            hits[phrase] += phrase in heard
        else:
            others += 1
            confused += bool(heard)
    for phrase in WAKE:
        if clips[phrase]:
            yield plain(
                f"wake {phrase}: hits ({hits[phrase]} of {clips[phrase]})", 100 * hits[phrase] / clips[phrase], "%"
            )
    yield plain(f"wake: other phrases taken for one ({confused} of {others})", 100 * confused / max(1, others), "%")
    alarms = hours = 0.0
    for recording in folder.recordings("negatives", "longform", "dictation", "noise", "meeting"):
        alarms += len(list(_spotted(recording.sound)))
        hours += recording.seconds / 3600
    yield plain(f"wake: false alarms ({alarms:.0f} in {hours * 60:.1f} min, four phrases)", alarms / hours, "per hour")


def _spotted(sound: Floats) -> Iterator[str]:
    spotter = MicroWakeWords(WAKE, 2 * CAPTURE_RATE)
    pcm = pcm16(sound)
    for i in range(0, len(pcm), 2 * WINDOW):
        yield from (word.phrase for word in spotter.hear(pcm[i : i + 2 * WINDOW], i // 2))


def _noticed(sound: Floats) -> Iterator[Started | Ended]:
    settings, voice = ListeningSettings(), SileroVad()
    detector = SpeechDetector(
        settings.start_threshold,
        settings.stop_threshold,
        settings.onset_windows,
        settings.hangover_ms * CAPTURE_RATE // 1000,
    )
    for first in range(0, len(sound) - WINDOW + 1, WINDOW):
        noticed = detector.push(voice.probability(sound[first : first + WINDOW]), first)
        if noticed is not None:
            yield noticed
    if ended := detector.cut(len(sound)):
        yield ended


def voice_activity(folder: Folder) -> Iterator[Figure]:
    """Onsets of read speech behind a second of quiet, against the first lasting loud sound; noise taken for speech."""
    delays: list[float] = []
    back: list[float] = []
    missed = count = 0
    cost = seconds = 0.0
    quiet = (np.random.default_rng(1).standard_normal(CAPTURE_RATE) * 1e-4).astype(np.float32)
    for recording in folder.recordings("dictation", "negatives"):
        sound = np.concatenate([quiet, recording.sound])
        onset = CAPTURE_RATE + _first_loud(recording.sound)
        began = time.perf_counter()
        first = next((n for n in _noticed(sound) if isinstance(n, Started)), None)
        cost, seconds, count = cost + time.perf_counter() - began, seconds + len(sound) / CAPTURE_RATE, count + 1
        if first is None or first.noticed_sample - onset > CAPTURE_RATE:
            missed += 1
        else:
            delays.append(1000 * (first.noticed_sample - onset) / CAPTURE_RATE)
            back.append(1000 * (first.sample - onset) / CAPTURE_RATE)
    yield plain("voice: onset noticed after the first lasting loud sound, p50", float(np.percentile(delays, 50)), "ms")
    p95 = float(np.percentile(delays, 95))
    yield plain("voice: onset noticed after the first lasting loud sound, p95", p95, "ms")
    yield plain("voice: stated onset less the first lasting loud sound, p50", float(np.percentile(back, 50)), "ms")
    yield plain(f"voice: onsets missed or later than 1 s ({missed} of {count})", 100 * missed / max(1, count), "%")
    starts = minutes = 0.0
    for recording in folder.recordings("noise", "silence"):
        if "babble" not in recording.file:
            starts += sum(isinstance(n, Started) for n in _noticed(recording.sound))
            minutes += recording.seconds / 60
    yield plain(f"voice: noise taken for speech ({starts:.0f} in {minutes:.1f} min)", starts / minutes, "per minute")
    window = np.zeros(WINDOW, np.float32)
    voice, began = SileroVad(), time.perf_counter()
    for _ in range(2000):
        voice.probability(window)
    yield plain("voice: one window of 32 ms", 1e6 * (time.perf_counter() - began) / 2000, "us")


def _first_loud(sound: Floats) -> int:
    """Near where a listener hears somebody begin: the first of 150 ms that stay, four fifths of them, loud.

    Loud is within 12 dB of the loudest tenth; a breath or a click before the first word does not last.
    """
    step = CAPTURE_RATE // 100
    levels = np.sqrt(np.square(sound[: len(sound) // step * step].reshape(-1, step)).mean(axis=1))
    loud = levels > np.percentile(levels, 90) / 4
    lasting = np.convolve(loud, np.ones(15), "full")[14:] >= 12
    return int(np.argmax(loud & lasting)) * step


def speech(sound: Floats) -> Iterator[tuple[int, int]]:
    """Return where somebody speaks, in samples."""
    return ((n.start_sample, n.sample) for n in _noticed(sound) if isinstance(n, Ended))
