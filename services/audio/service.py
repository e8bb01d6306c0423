"""The audio service: the capture clock, and what is played on it.

Captured frames never have a gap, whatever becomes of the devices. What is played is reported to the sample that has
left the device. A device that is missing or lost degrades the service, with a sentence, until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from services.audio.cleaning import Cleaner, NoCleaning
from services.audio.condition import Condition
from services.audio.devices import SoundDevices
from services.audio.ends import Ends
from services.audio.engines.webrtc import cleaner
from services.audio.feeds import Feed
from services.audio.framing import FRAME, CaptureClock
from services.audio.injected import Injected, TooMuchToHear
from services.audio.playback import Playback
from services.audio.playout import Playout
from services.audio.settings import AudioSettings
from services.audio.speaker import Heard, QueueFull, Speaker
from services.contract import Context
from shared.errors import SottoError
from shared.events import (
    AudioCaptured,
    AudioChime,
    AudioHear,
    AudioPause,
    AudioPlayed,
    AudioResume,
    AudioStop,
    AudioVolume,
    Event,
    MetricSample,
    SessionClosed,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TurnFinished,
    TurnStarted,
    current,
)
from shared.pcm import CAPTURE_RATE, floats, pcm16

__all__ = ["AudioService"]

_SETTLED_FRAMES = 25
"""Half a second in which nothing is said or asked any more ends a session whose input has ended."""


class AudioService:
    """See the module. `devices` makes what sound devices are opened with (`PortAudio`), only if the settings name any.

    Only events of the context's session (or of none) are played. The queue and the
    clock outlive a crash of `run`, and files go on where they were.
    """

    name: ClassVar[str] = "audio"
    consumes: ClassVar[tuple[type[Event], ...]] = (
        TtsAudio,
        TtsFinished,
        TtsFailed,
        AudioPause,
        AudioResume,
        AudioStop,
        AudioVolume,
        AudioChime,
        AudioHear,
        TurnStarted,
        TurnFinished,
    )

    def __init__(
        self,
        settings: AudioSettings,
        *,
        devices: Callable[[], SoundDevices],
        cleaner: Callable[[AudioSettings], Cleaner] = cleaner,
    ) -> None:
        self._settings = settings
        self._make_devices = devices
        self._make_cleaner = cleaner
        self._speaker = Speaker(Playback(settings.output_rate, percent=settings.volume), limit_s=settings.queue_s)
        self._clock = CaptureClock()
        self._injected = Injected()
        self._turns: set[int] = set()

    async def run(self, ctx: Context) -> None:
        condition = Condition(ctx)
        ends = Ends(self._settings, ctx, condition, self._make_devices, position=self._clock.position)
        unwatch = ctx.bus.on_fence(self._fenced)
        try:
            async with asyncio.TaskGroup() as tasks:
                loading = tasks.create_task(self._cleaner(condition), name="audio:cleaner")
                feed, playout = await ends.open(tasks, self._speaker)
                capture = tasks.create_task(self._capture(ctx, feed, playout, await loading), name="audio:capture")
                condition.begin()
                await self._obey(ctx, condition)
                capture.cancel()
                await ends.close()
        finally:
            unwatch()
            await ends.close()

    # ---- what comes over the bus

    async def _obey(self, ctx: Context, condition: Condition) -> None:
        async for event in ctx.inbox:
            if event.session in ("", ctx.session):
                self._handle(event, condition)

    def _handle(self, event: Event, condition: Condition) -> None:
        speaker = self._speaker
        match event:
            case TtsAudio():
                self._queue(event, condition)
            case TtsFinished():
                speaker.complete(event.reply, event.clause, event.rate, event)
            case TtsFailed():
                speaker.complete(event.reply, event.clause, CAPTURE_RATE, event)
            case AudioPause():
                speaker.pause(event.reply)
            case AudioResume():
                speaker.resume(event.reply, event.clause, event.from_sample)
            case AudioStop():
                speaker.stop(event.reply)
            case AudioVolume():
                self._turn_volume(event)
            case AudioChime():
                speaker.chime(event.sound)
            case AudioHear():
                self._hear(event, condition)
            case TurnStarted():
                self._turns.add(event.turn)
                speaker.rouse()
            case TurnFinished():
                self._turns.discard(event.turn)

    def _queue(self, piece: TtsAudio, condition: Condition) -> None:
        try:
            self._speaker.append(piece)
            condition.well("queue")
        except QueueFull as error:
            condition.problem("queue", str(error))

    def _hear(self, event: AudioHear, condition: Condition) -> None:
        try:
            self._injected.add(floats(event.pcm))
            condition.well("hear")
        except TooMuchToHear as error:
            condition.problem("hear", str(error))

    def _turn_volume(self, event: AudioVolume) -> None:
        if event.change == "set":
            self._speaker.set_volume(100 if event.percent is None else event.percent)
        elif event.change == "louder":
            self._speaker.louder()
        else:
            self._speaker.quieter()

    def _fenced(self, session: str, turn: int) -> None:
        self._speaker.drop(lambda s: s.origin is not None and s.origin.session == session and 0 < s.origin.turn < turn)

    # ---- the capture clock

    async def _cleaner(self, condition: Condition) -> Cleaner:
        try:
            return await asyncio.to_thread(self._make_cleaner, self._settings)
        except SottoError as error:
            condition.problem("cleaner", str(error))
            return NoCleaning()

    async def _capture(self, ctx: Context, feed: Feed, playout: Playout, cleaner: Cleaner) -> None:
        quiet = 0
        while True:
            frame, until_ns = await feed.next()
            await playout.caught_up(until_ns)
            frame = self._injected.over_frame(frame)
            frame = cleaner.clean(frame, self._speaker.played(until_ns), self._speaker.rate)
            first = self._clock.advance(FRAME, until_ns)
            ctx.emit(AudioCaptured, first_sample=first, rate=CAPTURE_RATE, pcm=pcm16(frame))
            for heard in playout.advance(first, first + FRAME):
                self._report(ctx, heard)
            if first % CAPTURE_RATE == 0 and (gaps := playout.gaps()):
                ctx.emit(MetricSample, name="audio.gaps", value=gaps, labels={})
            if self._settings.pace == "fast":
                await playout.room()
            if feed.ended and quiet < _SETTLED_FRAMES:
                quiet = quiet + 1 if self._settled() else 0
                if quiet == _SETTLED_FRAMES:
                    self._over(ctx, feed)

    def _settled(self) -> bool:
        """True when nothing is asked, said or to be heard any more."""
        return not self._turns and self._speaker.idle and self._injected.over

    def _report(self, ctx: Context, heard: Heard) -> None:
        sound = heard.sound
        handling = current.set(sound.origin)
        ctx.emit(
            AudioPlayed,
            reply=sound.reply,
            clause=sound.clause,
            until_sample=heard.until_sample,
            rate=sound.rate,
            capture_sample=self._clock.at(ctx.clock.monotonic_ns()),
            ended=heard.ended,
        )
        current.reset(handling)

    def _over(self, ctx: Context, feed: Feed) -> None:
        """The input has ended and nothing is open any more: whatever comes now comes in real time."""
        feed.slow_down()
        if self._settings.exit_at_end and feed.finite:
            ctx.emit(SessionClosed, reason="input ended")
