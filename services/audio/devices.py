"""Sound devices as the audio service sees them: streams that give and take sound, and may be lost."""

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
    "SoundDevices",
    "Source",
    "SpeakerStream",
]

Captured = Callable[[Floats, int, int], None]
"""Called with mono samples, their rate, and the monotonic ns at which the last of them was in the air."""


class NoSoundSystem(SottoError):
    """The library that speaks to sound devices is missing, or fails."""


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
        """Wait until the stream has ended; returns what happened to its device."""
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


class SpeakerStream(DeviceStream, Protocol):
    """An open speaker."""

    def attend(self) -> None:
        """Its source has something new: more to play, or a cut."""
        ...


class Source(Protocol):
    """What a speaker plays, rendered ahead of the device. All of it is called on the event loop."""

    @property
    def cutting(self) -> bool:
        """True when `ahead` must not be called before what was rendered ahead is cut."""
        ...

    def begin(self, rate: int) -> None:
        """A device opens at this rate; nothing is ahead."""
        ...

    def ahead(self, frames: int) -> Floats:
        """Return the next samples, at most `frames`; fewer, or none, when that is all there is by now."""
        ...

    def took(self, frames: int, silence: int, asked_ns: int, at_ns: int, torn: int = 0) -> None:
        """The device has taken `frames` of what `ahead` returned and then so many of silence.

        It asked for them at monotonic `asked_ns`; the first of both leaves it at `at_ns`. `torn` frames of silence went
        before, which the device played by itself because it had run dry.
        """
        ...

    def cut(self, kept: int) -> None:
        """Of what is ahead the device plays `kept` frames, fading out; the rest will not be played."""
        ...


class SoundDevices(Protocol):
    """The devices of this machine. Opening raises NoSoundSystem, DeviceNotFound or DeviceBusy."""

    async def open_input(self, name: str, captured: Captured) -> DeviceStream:
        """Open a microphone by name (see `AudioSettings.input`)."""
        ...

    async def open_output(self, name: str, latency_s: float, source: Source) -> SpeakerStream:
        """Open a speaker by name, which plays `source`.

        `latency_s` of sound are asked to wait in the device; it may take more.
        """
        ...

    async def close(self) -> None:
        """Let go of the sound system."""
        ...
