"""A stretch of sound to play, a clause or a chime, and its rendering at the rate of a device."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from services.audio.resampling import Resampler
from shared.events import Event
from shared.pcm import Floats, floats

__all__ = ["Rendering", "Sound"]

_FADE_S = 0.005
"""Long enough that starting amid a word makes no click, short enough to be no loss."""


@dataclass(slots=True, eq=False)
class Sound:
    """Mono s16le samples that grow as they are synthesised. A chime has no reply."""

    reply: str
    clause: int
    rate: int
    origin: Event | None = None
    """The event that brought its first samples; names its session and turn."""
    pcm: bytearray = field(default_factory=bytearray)
    whole: bool = False
    """No samples will be added."""
    start: int = 0
    """Sample to begin or go on from."""
    heard: int = 0
    """Samples that have left the device."""
    ended: bool = False
    """Its last sample has left the device."""

    @property
    def samples(self) -> int:
        """Samples that are there by now."""
        return len(self.pcm) // 2

    def extend(self, first_sample: int, pcm: bytes) -> None:
        """Add samples at their position; what is there already is kept, a hole becomes silence."""
        hole = first_sample - self.samples
        if hole > 0:
            self.pcm += bytes(2 * hole)
        self.pcm += pcm[max(0, -2 * hole) :]

    def slice(self, first: int, until: int) -> Floats:
        """Samples of [first, until) that are there, as float32."""
        return floats(bytes(self.pcm[2 * first : 2 * until]))


class Rendering:
    """A sound from its `start` on, at a device's rate. `position` maps what was taken back to the sound's samples."""

    def __init__(self, sound: Sound, rate: int) -> None:
        self.sound = sound
        self._rate = rate
        self._start = self._fed = sound.start
        self._resample = Resampler(sound.rate, rate)
        self._ready: Floats = np.zeros(0, np.float32)
        self._flushed = False
        self._taken = 0

    @property
    def finished(self) -> bool:
        """True when the last sample was taken."""
        return self._flushed and not self._ready.size

    @property
    def position(self) -> int:
        """Sample of the sound that the next taken one stands for."""
        if self.finished:
            return max(self._start, self.sound.samples)
        return min(self._start + self._taken * self.sound.rate // self._rate, self.sound.samples)

    def take(self, frames: int) -> Floats:
        """Return up to `frames` samples at the device's rate; fewer when the sound ends or more is yet to come."""
        while self._ready.size < frames and self._feed(frames):
            continue
        taken, self._ready = self._ready[:frames], self._ready[frames:]
        taken = self._faded_in(taken) if self._start else taken
        self._taken += taken.size
        return taken

    def _feed(self, frames: int) -> bool:
        if self._flushed:
            return False
        chunk = self.sound.slice(self._fed, self._fed + max(256, frames * self.sound.rate // self._rate))
        self._fed += chunk.size
        last = self.sound.whole and self._fed >= self.sound.samples
        if not chunk.size and not last:
            return False
        self._ready = np.concatenate((self._ready, self._resample(chunk, last=last)))
        self._flushed = last
        return True

    def _faded_in(self, samples: Floats) -> Floats:
        fade = int(_FADE_S * self._rate)
        if self._taken >= fade:
            return samples
        return samples * np.clip((np.arange(samples.size, dtype=np.float32) + self._taken) / fade, 0.0, 1.0)
