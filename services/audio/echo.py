"""Whether the microphone hears the speaker at all: evidence from both sounds, so that nothing is cancelled in vain.

An echo is the speaker's own waveform, late and coloured by a room: its generalised cross-correlation with the
microphone (phase transform, Knapp and Carter 1976) has a peak at the delay, however quiet it is and whoever speaks
over it. A peak is proof of an echo. Its absence proves something only while the microphone is quiet, so a person who
speaks over the answer never counts as proof.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["EchoWatch"]

_WINDOW = CAPTURE_RATE * 240 // 1000
_STEP = CAPTURE_RATE * 80 // 1000
_LAGS = CAPTURE_RATE * 400 // 1000
"""An echo may come this much after its reference."""
_SIZE = _WINDOW + _LAGS
_EARLY = slice(_LAGS - CAPTURE_RATE // 10, -CAPTURE_RATE // 10)
"""What of the speaker's sound the microphone's window most likely holds: an echo is about 0.1 s late."""
_BAND = slice(200 * _SIZE // CAPTURE_RATE, 4000 * _SIZE // CAPTURE_RATE)
"""Hertz in which both a voice and a poor microphone have something to say."""
_KEPT = 0.85
"""Share of the evidence that a step leaves: half a second counts in full, two seconds not at all."""
_NO_PEAK = 7.0
_PEAK = 16.0
"""Times its root mean square that a correlation reaches: without an echo up to 6, with somebody who speaks all the time
over the answer up to 14, with an echo 12 dB or more above the noise 20 to 30."""
_LOUD = 1e-5
"""Power, -50 dBFS, from which the speaker counts as sounding."""
_QUIET_TO_SPEAKER = 10 ** (-25 / 10)
_QUIET_TO_FLOOR = 10 ** (6 / 10)
"""Whoever speaks is louder than this: 25 dB below the speaker, or 6 dB above the noise."""
_PROOF = 10
"""Steps without a peak, 0.8 s, after which there is no echo."""
_NOTHING: Floats = np.zeros(_LAGS, np.float32)
_APART = CAPTURE_RATE // 5
"""One sound is this far behind the other when the speaker rests, is away, or was here first."""
_FLOOR_RISE = 10 ** (0.02 / 10)
"""How fast the noise floor forgets its lowest frame: 1 dB in a second."""


class EchoWatch:
    """Hears both sounds as they come. Pure; a step of 80 ms costs about 0.2 ms, and nothing while the speaker rests."""

    def __init__(self) -> None:
        self.echo = True
        """Whether there is an echo as far as is known; assumed until the contrary is proven."""
        self._floor = math.inf
        self._microphone: Floats = _NOTHING
        self._speaker: Floats = _NOTHING
        self._evidence: npt.NDArray[np.complex64] = np.zeros(_SIZE // 2 + 1, np.complex64)
        self._without = 0

    def hear(self, frame: Floats, played: Floats) -> bool:
        """Take what was captured and what was played meanwhile, both at 16 kHz; return `echo`."""
        self._floor = min(_power(frame), self._floor * _FLOOR_RISE)
        self._microphone = np.concatenate((self._microphone, frame))
        self._speaker = np.concatenate((self._speaker, played))
        if abs(self._microphone.size - self._speaker.size) > _APART:
            self._begin()
        while min(self._microphone.size, self._speaker.size) >= _SIZE:
            self._look(self._microphone[_LAGS:_SIZE], self._speaker[:_SIZE])
            self._microphone, self._speaker = self._microphone[_STEP:], self._speaker[_STEP:]
        return self.echo

    def _begin(self) -> None:
        """Both sounds start to run side by side: the same place in both is the same moment, but for the delay."""
        self._microphone = self._speaker = _NOTHING
        self._evidence[:] = 0
        self._without = 0

    def _look(self, microphone: Floats, speaker: Floats) -> None:
        heard, sounds = _power(microphone), _power(speaker[_EARLY])
        if sounds < _LOUD:
            return
        self._evidence *= _KEPT
        self._evidence[_BAND] += _phases(microphone, speaker)
        peak = _peak(self._evidence)
        if peak > _NO_PEAK:
            self.echo, self._without = self.echo or peak > _PEAK, 0
        elif heard < max(sounds * _QUIET_TO_SPEAKER, self._floor * _QUIET_TO_FLOOR):
            self._without += 1
            self.echo = self.echo and self._without < _PROOF


def _power(samples: Floats) -> float:
    return float(np.dot(samples, samples)) / samples.size


_TAPER: Floats = np.hanning(_WINDOW).astype(np.float32)


def _phases(microphone: Floats, speaker: Floats) -> npt.NDArray[np.complex64]:
    """Cross-spectrum of the band with all magnitudes one."""
    cross = np.fft.rfft(microphone * _TAPER, _SIZE)[_BAND] * np.conj(np.fft.rfft(speaker)[_BAND])
    return np.asarray(cross / np.maximum(np.abs(cross), 1e-20), dtype=np.complex64)


def _peak(evidence: npt.NDArray[np.complex64]) -> float:
    """The highest correlation over all lags, as a multiple of their root mean square."""
    lags = np.fft.irfft(evidence, _SIZE)[-_LAGS:]
    return float(np.abs(lags).max() / max(float(np.sqrt(np.mean(np.square(lags)))), 1e-20))
