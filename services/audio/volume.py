"""The loudness of the output, changed without a click and never clipped hard."""

from __future__ import annotations

import numpy as np

from shared.pcm import Floats

__all__ = ["Volume"]

_LOUDEST = 4.0
"""12 dB above full scale: quiet voices have that much headroom, louder ones are limited softly."""
_QUIETEST = 1 / 64
"""36 dB below: `quieter` never mutes, only setting 0 does."""
_KNEE = 0.7


class Volume:
    """A gain that moves in steps of 6 dB or is set; changes are spread over the next block."""

    def __init__(self, percent: int = 100) -> None:
        self.gain = self._applied = percent / 100
        self._before_mute = 0.0

    def louder(self) -> None:
        """Twice the amplitude, at most 12 dB above full scale."""
        self.gain = min(_LOUDEST, max(self.gain, _QUIETEST) * 2)

    def quieter(self) -> None:
        """Half the amplitude, at least 36 dB below full scale unless it was muted."""
        self.gain = max(_QUIETEST, self.gain / 2) if self.gain else 0.0

    def set(self, percent: int) -> None:
        """Percent of full scale, 0 to 100; 0 mutes."""
        if percent <= 0 < self.gain:
            self._before_mute = self.gain
        self.gain = min(100, max(0, percent)) / 100

    def unmute(self) -> None:
        """As loud as before it was muted; what was silent from the start stays so."""
        self.gain = self.gain or self._before_mute

    def apply(self, samples: Floats) -> Floats:
        """Return the block at this loudness; at full scale it is returned unchanged."""
        before, self._applied = self._applied, self.gain
        if before == self.gain == 1.0:
            return samples
        scaled = samples * np.linspace(before, self.gain, samples.size, dtype=np.float32)
        return _limited(scaled) if max(before, self.gain) > 1.0 else scaled


def _limited(samples: Floats) -> Floats:
    """A soft knee: straight up to 0.7, then towards 1.0 along a hyperbolic tangent."""
    over = np.abs(samples) - _KNEE
    bent = _KNEE + (1 - _KNEE) * np.tanh(over / (1 - _KNEE))
    return np.where(over > 0, np.copysign(bent, samples), samples).astype(np.float32)
