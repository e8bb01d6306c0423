"""What the capture clock runs on: frames of 20 ms from an input that is no device, and silence once it has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import numpy as np

from services.audio.framing import FRAME, Framer
from services.audio.pacing import Pace, RealTime
from services.audio.ports import Input
from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Feed", "PacedFeed"]

_SILENCE: Floats = np.zeros(FRAME, np.float32)


class Feed(Protocol):
    """Frames of 20 ms without end: the capture clock runs on them."""

    @property
    def ended(self) -> bool:
        """True when nothing but silence will come."""
        ...

    @property
    def finite(self) -> bool:
        """True when an end is to be expected: the input is a file or a pipe."""
        ...

    async def next(self) -> tuple[Floats, int | None]:
        """Return the next frame, shape (320,), and the monotonic ns of its last sample where that is known."""
        ...

    def slow_down(self) -> None:
        """Go on in real time."""
        ...


class PacedFeed:
    """The frames of `input` (None: silence only), a trailing silence, then silence for ever, at a given pace.

    An input that breaks counts as ended; `broken` is told why. `begin` is awaited before the first frame.
    """

    def __init__(
        self,
        input: Input | None,
        pace: Pace,
        trailing_s: float,
        broken: Callable[[SottoError], None],
        *,
        finite: bool = True,
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._begin = begin
        self.finite = finite
        self._input = input
        self._pace = pace
        self._trailing = 0 if input is None else round(trailing_s * CAPTURE_RATE / FRAME)
        self._broken = broken
        self._framer = Framer()
        self._frames: deque[Floats] = deque()

    @property
    def ended(self) -> bool:
        """True when the input and its trailing silence are over."""
        return self._input is None and not self._frames and not self._trailing

    async def next(self) -> tuple[Floats, int | None]:
        if self._begin is not None:
            await self._begin()
            self._begin = None
        while self._input is not None and not self._frames:
            await self._read(self._input)
        await self._pace.tick()
        if self._frames:
            return self._frames.popleft(), None
        self._trailing = max(0, self._trailing - 1)
        return _SILENCE, None

    def slow_down(self) -> None:
        if not isinstance(self._pace, RealTime):
            self._pace = RealTime()

    async def close(self) -> None:
        """Let go of the input."""
        if self._input is not None:
            await self._input.close()
            self._input = None

    async def _read(self, input: Input) -> None:
        try:
            samples = await input.read()
        except SottoError as error:
            self._broken(error)
            samples = None
        if samples is not None:
            self._frames.extend(self._framer.feed(samples))
            return
        self._frames.extend(self._framer.flush())
        await self.close()
