"""Sound devices as the audio service sees them: streams that call from a thread of theirs, and may be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.errors import SottoError
from shared.pcm import Floats

__all__ = [
    "Captured",
    "DeviceBusy",
    "DeviceInfo",
    "DeviceNotFound",
    "DeviceStream",
    "NoSoundSystem",
    "Pulled",
    "SoundDevices",
]

Captured = Callable[[Floats, int, int], None]
"""Called by the device's thread with mono samples, their rate, and the monotonic ns at which the last of them was in
the air."""
Pulled = Callable[[int, int], Floats]
"""Called by the device's thread with a number of samples and the monotonic ns at which the first will be in the air;
returns them, mono."""


class NoSoundSystem(SottoError):
    """The library that speaks to sound devices is missing."""


class DeviceNotFound(SottoError):
    """No device of that name, or none at all."""


class DeviceBusy(SottoError):
    """The device is there but cannot be opened."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A sound device, as `sotto devices` lists it."""

    index: int
    name: str
    system: str
    """What drives it: ALSA, Core Audio …"""
    inputs: int
    outputs: int
    """Channels."""
    rate: int
    """Its own samples per second."""
    default_input: bool
    default_output: bool


class DeviceStream(Protocol):
    """An open stream."""

    rate: int
    latency_s: float
    """Between the air and the callback."""
    gaps: int
    """How often so far the device asked too late for sound to flow without a gap; every one may be heard."""

    async def lost(self) -> str:
        """Wait until the stream has ended; returns what happened to its device, empty when it may be opened at once."""
        ...

    async def rest(self) -> None:
        """Stop calling until `wake`, so that an idle device costs nothing."""
        ...

    async def wake(self) -> None:
        """Call again. A device that has gone meanwhile counts as lost."""
        ...

    async def close(self) -> None:
        """End it: no callback is running or follows when this returns."""
        ...


class SoundDevices(Protocol):
    """The devices of this machine. Opening raises NoSoundSystem, DeviceNotFound or DeviceBusy."""

    async def open_input(self, name: str, captured: Captured) -> DeviceStream:
        """Open a microphone by name (see `AudioSettings.input`)."""
        ...

    async def open_output(self, name: str, latency_s: float, pulled: Callable[[int], Pulled]) -> DeviceStream:
        """Open a speaker by name; `pulled` is given its rate and returns what fills its blocks.

        `latency_s` of sound are asked to wait in the device; it may take more.
        """
        ...

    async def close(self) -> None:
        """Let go of the sound system."""
        ...
