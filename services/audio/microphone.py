"""A microphone that never stops the capture clock: its frames while it is there, silence in real time while not."""

from __future__ import annotations

import asyncio
from collections import deque

import numpy as np

from services.audio.framing import FRAME, FRAME_NS, Framer
from services.audio.resampling import Resampler
from shared.clock import Clock
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Microphone"]

_SILENCE: Floats = np.zeros(FRAME, np.float32)
_GRACE_NS = 500_000_000
"""A device may be late by this much before silence stands in for it."""
_BLOCKS = 1000


class Microphone:
    """Blocks come in from a device, frames go out. Bounded: 20 s that nobody reads are dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._blocks: deque[tuple[Floats, int, int]] = deque(maxlen=_BLOCKS)
        self._arrived = asyncio.Event()
        self._rate = CAPTURE_RATE
        self._resample = Resampler(CAPTURE_RATE, CAPTURE_RATE)
        self._framer = Framer()
        self._frames: deque[tuple[Floats, int]] = deque()
        self._until_ns = clock.monotonic_ns()
        self._away = False

    finite = False

    @property
    def ended(self) -> bool:
        """Never: a microphone that is away may return."""
        return False

    def slow_down(self) -> None:
        """It is as slow as time already."""

    def captured(self, samples: Floats, rate: int, until_ns: int) -> None:
        """Take a block (never waits). See `devices.Captured`."""
        self._blocks.append((samples, rate, until_ns))
        self._arrived.set()

    async def next(self) -> tuple[Floats, int]:
        """Return the next frame and when its last sample was in the air."""
        while not self._frames:
            self._take_blocks()
            if not self._frames and not await self._more():
                return self._silence()
        frame, self._until_ns = self._frames.popleft()
        return frame, self._until_ns

    def _take_blocks(self) -> None:
        while self._blocks:
            samples, rate, until_ns = self._blocks.popleft()
            if rate != self._rate:
                self._rate, self._resample = rate, Resampler(rate, CAPTURE_RATE)
            frames = self._framer.feed(self._resample(samples))
            if self._away and frames:
                self._catch_up(until_ns - len(frames) * FRAME_NS)
            for back, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
                self._frames.append((frame, until_ns - back * FRAME_NS))

    async def _more(self) -> bool:
        """Wait for a block; False when the device is so late that silence is due."""
        self._arrived.clear()
        if self._blocks:
            return True
        late_ns = self._clock.monotonic_ns() - self._until_ns
        try:
            async with asyncio.timeout((FRAME_NS + _GRACE_NS - late_ns) / 1e9):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def _catch_up(self, from_ns: int) -> None:
        while self._until_ns + FRAME_NS <= from_ns:
            self._frames.append(self._silence())
        self._away = False

    def _silence(self) -> tuple[Floats, int]:
        self._away = True
        self._until_ns += FRAME_NS
        return _SILENCE, self._until_ns
