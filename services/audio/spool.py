"""The way to an output that is no device: a bounded queue and the task that writes it; nobody waits for a disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from services.audio.ports import Output
from shared.errors import SottoError
from shared.pcm import Floats

__all__ = ["SlowOutput", "Spool"]

_WAITING_S = 10.0


class SlowOutput(SottoError):
    """The output takes sound more slowly than it is played."""


class Spool:
    """Writes in order. An output that fails is told once to `failed`, and the rest is played into nothing."""

    def __init__(self, output: Output, failed: Callable[[SottoError], None]) -> None:
        self.rate = output.rate
        self._output = output
        self._failed = failed
        self._waiting: deque[Floats] = deque()
        self._samples = 0
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._broken = False

    def put(self, samples: Floats) -> None:
        """Queue samples of shape (samples,)."""
        if self._broken:
            return
        if self._samples > _WAITING_S * self.rate:
            self._give_up(
                SlowOutput(
                    "The output takes the sound more slowly than it is played; the rest is played into nothing.",
                    remedy="Use a faster disk or reader, or another output.",
                )
            )
            return
        self._waiting.append(samples)
        self._samples += samples.size
        self._arrived.set()

    async def room(self) -> None:
        """Wait until at most half a second is unwritten."""
        while self._samples > self.rate // 2 and not self._broken:
            self._written.clear()
            await self._written.wait()

    async def write(self) -> None:
        """Write until cancelled; then what is queued is still written and the output closed."""
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                await self._write_queued()
        finally:
            await asyncio.shield(self._finish())

    async def _write_queued(self) -> None:
        while self._waiting and not self._broken:
            samples = self._waiting.popleft()
            try:
                await self._output.write(samples)
            except SottoError as error:
                self._give_up(error)
            self._samples -= samples.size
            self._written.set()

    async def _finish(self) -> None:
        await self._write_queued()
        try:
            await self._output.close()
        except SottoError as error:
            self._give_up(error)

    def _give_up(self, error: SottoError) -> None:
        if not self._broken:
            self._broken = True
            self._waiting.clear()
            self._written.set()
            self._failed(error)
