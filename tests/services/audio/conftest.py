"""What the tests of sound share: synthesised clauses, and a service without devices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.audio import AudioService, AudioSettings
from services.audio.devices import DeviceNotFound
from shared.clock import ManualClock
from shared.events import Stamp, TtsAudio
from shared.ids import id_source
from shared.pcm import Floats, pcm16


class NoDevices:
    """A machine without sound."""

    async def open_input(self, name: str, captured: object) -> Any:
        raise DeviceNotFound("There is no microphone.", remedy="Plug one in.")

    async def open_output(self, name: str, latency_s: float, pulled: object) -> Any:
        raise DeviceNotFound("There is no speaker.", remedy="Plug one in.")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def no_devices() -> NoDevices:
    return NoDevices()


def sine(frequency: float, seconds: float, rate: int, level: float = 0.5) -> Floats:
    """A steady tone, shape (samples,)."""
    at = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * frequency * at), dtype=np.float32)


class Voice:
    """Makes tts.audio pieces of session `test`."""

    def __init__(self) -> None:
        self._stamp = Stamp("tts", ManualClock(), id_source("tts-"), "test")

    def piece(
        self,
        samples: Floats,
        *,
        reply: str = "r1",
        clause: int = 0,
        first: int = 0,
        last: bool = True,
        rate: int = 16_000,
        turn: int = 1,
    ) -> TtsAudio:
        """One piece of a clause."""
        return self._stamp(
            TtsAudio,
            turn=turn,
            reply=reply,
            clause=clause,
            first_sample=first,
            rate=rate,
            marks=(),
            last=last,
            pcm=pcm16(samples),
        )


@pytest.fixture
def voice() -> Voice:
    return Voice()


@pytest.fixture
def service(no_devices: NoDevices) -> Any:
    def make(**settings: Any) -> AudioService:
        return AudioService(AudioSettings(**settings), devices=lambda: no_devices)

    return make
