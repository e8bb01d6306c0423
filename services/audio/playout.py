"""Where the speaker's sound goes: a device that pulls at its own pace, or a file, a pipe or nowhere on capture time."""

from __future__ import annotations

import asyncio
from typing import Protocol

from services.audio.devices import SpeakerStream
from services.audio.speaker import Heard, Speaker
from services.audio.spool import Spool
from shared.clock import Clock
from shared.pcm import CAPTURE_RATE

__all__ = ["DevicePlayout", "Playout", "VirtualPlayout"]

_SAMPLE_NS = 1_000_000_000 // CAPTURE_RATE
_TIRED = 20 * CAPTURE_RATE
"""A speaker that nobody has wanted for so long rests: it would cost 2 % of a processor core to play silence."""
_TURNS = 3
_STAND_IN = 3 * CAPTURE_RATE
"""A speaker that is away for longer misses what is spoken: the conversation must not wait for it for ever."""


class Playout(Protocol):
    """Moves with the capture clock."""

    def advance(self, first: int, until: int) -> list[Heard]:
        """The samples [first, until) were captured: return what has been heard since the last call."""
        ...

    def gaps(self) -> int:
        """How often the sound was torn since the last call."""
        ...

    async def room(self) -> None:
        """Wait until the output has taken what it was given."""
        ...

    async def caught_up(self, until_ns: int | None) -> None:
        """Return when it is known what was played until then, or when that will not be known."""
        ...


class VirtualPlayout:
    """Sound that the capture clock pulls, written to a spool, or nowhere without one."""

    def __init__(self, speaker: Speaker, spool: Spool | None) -> None:
        self._speaker = speaker
        self._spool = spool
        self._rate = speaker.rate if spool is None else spool.rate
        speaker.begin(self._rate)

    def advance(self, first: int, until: int) -> list[Heard]:
        """Play what belongs to the captured samples [first, until); all of it has been heard then."""
        frames = until * self._rate // CAPTURE_RATE - first * self._rate // CAPTURE_RATE
        samples = self._speaker.pull(frames, first * _SAMPLE_NS)
        if self._spool is not None:
            self._spool.put(samples)
        return self._speaker.heard(until * _SAMPLE_NS)

    def gaps(self) -> int:
        """Never: it is as slow as the capture clock."""
        return 0

    async def room(self) -> None:
        """Wait until the output has taken what it was given."""
        if self._spool is not None:
            await self._spool.room()

    async def caught_up(self, until_ns: int | None) -> None:
        """It plays on the capture clock."""


class DevicePlayout:
    """Sound that a device takes. While it is away what was cut off waits; after 3 s it is played into nothing.

    The device rests when nothing was played or asked for during 20 s, and is woken by the next request, or earlier,
    when a turn begins.
    """

    def __init__(self, speaker: Speaker, clock: Clock) -> None:
        self._speaker = speaker
        self._clock = clock
        self._away: int | None = -_STAND_IN
        self._position = 0
        self._cut_off: list[Heard] = []
        self._stream: SpeakerStream | None = None
        self._gaps = 0
        self._idle_since = 0
        self._resting = False
        self._changed = asyncio.Event()
        speaker.roused = self._rouse

    def opened(self, stream: SpeakerStream) -> None:
        """This device plays now."""
        self._away = None
        self._stream, self._idle_since, self._resting = stream, self._position, False
        self._gaps = self._speaker.gaps

    async def rest(self) -> None:
        """Let the device rest and wake it, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._stream is not None:
                await (self._stream.rest() if self._resting else self._stream.wake())

    def lost(self) -> None:
        """The device is gone, and takes no block any more."""
        self._stream = None
        if self._away is None:
            self._away = self._position
            self._cut_off += self._speaker.interrupted(self._clock.monotonic_ns())

    def advance(self, first: int, until: int) -> list[Heard]:
        """Return what was heard by now; plays into nothing where the device has been away for long."""
        self._position = until
        self._tire()
        now = self._clock.monotonic_ns()
        if self._away is not None and until - self._away > _STAND_IN:
            rate = self._speaker.rate
            self._speaker.pull(until * rate // CAPTURE_RATE - first * rate // CAPTURE_RATE, now)
        cut_off, self._cut_off = self._cut_off, []
        return cut_off + self._speaker.heard(now)

    def _tire(self) -> None:
        if not self._speaker.idle:
            self._idle_since = self._position
        elif self._stream is not None and not self._resting and self._position - self._idle_since > _TIRED:
            self._resting = True
            self._changed.set()

    def _rouse(self) -> None:
        self._idle_since = self._position
        if self._stream is not None:
            self._stream.attend()
        if self._resting:
            self._resting = False
            self._changed.set()

    def gaps(self) -> int:
        """How often the device ran dry since the last call."""
        now = self._speaker.gaps + (self._stream.gaps if self._stream is not None else 0)
        before, self._gaps = self._gaps, now
        return max(0, now - before)

    async def room(self) -> None:
        """A device takes what it wants."""

    async def caught_up(self, until_ns: int | None) -> None:
        """After a standstill both devices have a lot to tell; the loop reads all of it within a turn or two."""
        for _ in range(_TURNS):
            if until_ns is None or self._stream is None or self._resting or self._speaker.asked_ns >= until_ns:
                return
            await asyncio.sleep(0)
