"""What the audio service needs of an input and of an output that are no devices."""

from __future__ import annotations

from typing import Protocol

from shared.errors import SottoError
from shared.pcm import Floats

__all__ = ["Input", "Output", "OutputFailed"]


class OutputFailed(SottoError):
    """What was played could not be written."""


class Input(Protocol):
    """Where sound comes from."""

    async def read(self) -> Floats | None:
        """Return the next samples, mono float32 at 16 kHz, shape (samples,), any number; None at the end.

        Raises UnreadableSound when what comes is no sound.
        """
        ...

    async def close(self) -> None:
        """Let go of it. Closing twice is harmless."""
        ...


class Output(Protocol):
    """Where sound goes to when the capture clock pulls it."""

    rate: int
    """Samples per second that it takes."""

    async def write(self, samples: Floats) -> None:
        """Take the next samples, mono float32, shape (samples,). Raises OutputFailed."""
        ...

    async def close(self) -> None:
        """Finish it. Closing twice is harmless. Raises OutputFailed."""
        ...
