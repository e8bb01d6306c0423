"""Both ends of the audio service as the settings name them: what the capture clock runs on, and where sound goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from services.audio.address import Address, Device, Nothing, address
from services.audio.condition import Condition
from services.audio.devices import DeviceStream, SoundDevices, SpeakerStream
from services.audio.feeds import Feed, PacedFeed
from services.audio.keeper import Keeper
from services.audio.microphone import Microphone
from services.audio.opening import input_of, output_of
from services.audio.pacing import KeepingUp, Pace, RealTime, everyone_up
from services.audio.playout import DevicePlayout, Playout, VirtualPlayout
from services.audio.resampling import Resampler
from services.audio.settings import AudioSettings
from services.audio.speaker import Speaker
from services.audio.spool import Spool
from services.contract import Context
from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE

__all__ = ["Ends"]

T = TypeVar("T")

_OPENING_S = 5.0
"""A sound system that takes longer to answer is waited for in the background."""


class Ends:
    """Opens both ends and owns their tasks until `close`. What cannot be opened is a problem, never an error.

    `position` is the capture clock's: after a crash, files go on from there.
    """

    def __init__(
        self,
        settings: AudioSettings,
        ctx: Context,
        condition: Condition,
        make_devices: Callable[[], SoundDevices],
        *,
        position: int = 0,
    ) -> None:
        self._position = position
        self._settings = settings
        self._ctx = ctx
        self._condition = condition
        self._make_devices = make_devices
        self._devices: SoundDevices | None = None
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._keepers: list[Keeper[DeviceStream] | Keeper[SpeakerStream]] = []

    async def open(self, tasks: asyncio.TaskGroup, speaker: Speaker) -> tuple[Feed, Playout]:
        """Return the feed and the playout, once every device was tried."""
        settings = self._settings
        source, sink = await asyncio.to_thread(lambda: (address(settings.input), address(settings.output)))
        await asyncio.to_thread(Resampler, settings.output_rate, 2 * settings.output_rate)  # loads the library
        feed, playout = await self._feed(source, tasks), await self._playout(sink, tasks, speaker)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPENING_S):
                for keeper in self._keepers:
                    await keeper.tried.wait()
        return feed, playout

    async def close(self) -> None:
        """End the tasks, then let go of devices and files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def _feed(self, source: Address, tasks: asyncio.TaskGroup) -> Feed:
        if isinstance(source, Device):
            microphone = Microphone(self._ctx.clock)
            devices = self._sound_devices()
            self._keep(tasks, "input", Keeper(lambda: devices.open_input(source.name, microphone.captured)))
            return microphone
        input = await self._made("input", lambda: input_of(source, from_s=self._position / CAPTURE_RATE))
        trailing_s = self._settings.trailing_silence_s
        feed = PacedFeed(
            input,
            self._pace(),
            trailing_s,
            lambda e: self._condition.problem("input", str(e)),
            finite=not isinstance(source, Nothing),
            begin=None if isinstance(source, Nothing) else lambda: everyone_up(self._ctx.bus),
        )
        self._stack.push_async_callback(feed.close)
        return feed

    async def _playout(self, sink: Address, tasks: asyncio.TaskGroup, speaker: Speaker) -> Playout:
        if isinstance(sink, Device):
            playout = DevicePlayout(speaker, self._ctx.clock)
            devices = self._sound_devices()
            latency_s = self._settings.output_latency_ms / 1000
            keeper = Keeper(
                lambda: devices.open_output(sink.name, latency_s, speaker),
                opened=playout.opened,
                lost=playout.lost,
            )
            self._keep(tasks, "output", keeper)
            self._own(tasks.create_task(playout.rest(), name="audio:rest"))
            return playout
        output = await self._made(
            "output", lambda: output_of(sink, self._settings.output_rate, more=self._position > 0)
        )
        if output is None:
            return VirtualPlayout(speaker, None)
        spool = Spool(output, lambda e: self._condition.problem("output", str(e)))
        self._own(tasks.create_task(spool.write(), name="audio:spool"))
        return VirtualPlayout(speaker, spool)

    async def _made(self, what: str, make: Callable[[], T | None]) -> T | None:
        try:
            return await asyncio.to_thread(make)
        except SottoError as error:
            self._condition.problem(what, str(error))
            return None

    def _keep(self, tasks: asyncio.TaskGroup, what: str, keeper: Keeper[DeviceStream] | Keeper[SpeakerStream]) -> None:
        keeper.tell(lambda: self._condition.well(what), lambda why: self._condition.problem(what, why))
        self._keepers.append(keeper)
        self._own(tasks.create_task(keeper.keep(), name=f"audio:{what}"))

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.append(task)

    def _sound_devices(self) -> SoundDevices:
        if self._devices is None:
            self._devices = self._make_devices()
            self._stack.push_async_callback(self._devices.close)
        return self._devices

    def _pace(self) -> Pace:
        if self._settings.pace == "realtime":
            return RealTime()
        pace = KeepingUp(self._ctx.bus)
        self._stack.callback(pace.close)
        return pace
