"""What makes the microphone's sound clean: the port of the echo canceller, and doing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.pcm import Floats

__all__ = ["Cleaner", "NoCleaning"]


class Cleaner(Protocol):
    """Takes the speaker's sound and noise out of what was captured."""

    def clean(self, frame: Floats, played: Sequence[Floats], rate: int) -> Floats:
        """Return the frame (16 kHz mono, 20 ms) cleaned.

        `played` are the blocks that went to the speaker since the last call, at `rate`.
        """
        ...


class NoCleaning:
    """Leaves everything as it is."""

    def clean(self, frame: Floats, played: Sequence[Floats], rate: int) -> Floats:
        return frame
