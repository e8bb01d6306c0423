"""Keeping a device: it is opened, watched, and opened again for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from services.audio.devices import DeviceStream
from shared.errors import SottoError
from shared.logs import get_logger

__all__ = ["Keeper"]

_FIRST_RETRY_S = 0.25
_LONGEST_RETRY_S = 4.0

S = TypeVar("S", bound=DeviceStream)

_log = get_logger("audio")


class Keeper(Generic[S]):
    """Opens a stream, and again whenever it is lost.

    `opened` is called each time, `lost` after each loss, when the stream is closed.
    """

    def __init__(
        self,
        open: Callable[[], Awaitable[S]],
        *,
        opened: Callable[[S], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._open = open
        self._opened = opened or (lambda _: None)
        self._lost = lost or (lambda: None)
        self._well: Callable[[], None] = lambda: None
        self._problem: Callable[[str], None] = lambda _: None
        self.tried = asyncio.Event()
        """Set once the first attempt has ended, well or badly."""

    def tell(self, well: Callable[[], None], problem: Callable[[str], None]) -> None:
        """Call `well` when the device is there, and `problem` with a sentence when it is not."""
        self._well, self._problem = well, problem

    async def keep(self) -> None:
        """Keep the device until cancelled; its stream is closed then."""
        wait = _FIRST_RETRY_S
        while True:
            try:
                stream = await self._open()
            except SottoError as error:
                self._problem(str(error))
                self.tried.set()
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_RETRY_S)
                continue
            wait = _FIRST_RETRY_S
            await self._use(stream)

    async def _use(self, stream: S) -> None:
        try:
            self._opened(stream)
            self._well()
            self.tried.set()
            why = await stream.lost()
        finally:
            await asyncio.shield(stream.close())
        self._lost()
        if why:
            _log.warning("a sound device was lost", why=why)
            self._problem(why)
