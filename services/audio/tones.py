"""The built-in sounds, generated: rising for waking, repeated for an alarm, falling for an error."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np

from shared.pcm import Floats, pcm16

__all__ = ["TONE_RATE", "Chime", "tone"]

TONE_RATE = 48_000
Chime = Literal["wake", "alarm", "error"]

_LEVEL = 0.25
_NOTES: dict[Chime, tuple[tuple[float, float], ...]] = {
    "wake": ((660.0, 0.09), (880.0, 0.14)),
    "alarm": ((880.0, 0.15), (1175.0, 0.15), (0.0, 0.1)) * 3,
    "error": ((440.0, 0.12), (330.0, 0.2)),
}
"""Pairs of frequency in Hz (0 for a rest) and duration in s."""


def tone(sound: Chime) -> bytes:
    """Return the sound as mono s16le at `TONE_RATE`."""
    return pcm16(np.concatenate(list(itertools.starmap(_note, _NOTES[sound]))))


def _note(frequency: float, seconds: float) -> Floats:
    at = np.arange(int(seconds * TONE_RATE), dtype=np.float32) / TONE_RATE
    edge = np.clip(np.minimum(at, seconds - at) / 0.01, 0.0, 1.0)
    wave = np.sin(2 * np.pi * frequency * at) + 0.2 * np.sin(4 * np.pi * frequency * at)
    return np.asarray(_LEVEL * edge * wave, dtype=np.float32)
