"""The listening service: what it notices in the captured frames it reports at its sample; it decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from bus import Overflow
from services.contract import Context
from services.listening.detector import Ended, SpeechDetector, Started
from services.listening.engines.microwakeword import MicroWakeWords, WakeWordsUnavailable
from services.listening.engines.silero import SileroVad
from services.listening.ports import VoiceActivity, WakeWords
from services.listening.settings import ListeningSettings
from services.listening.windows import Windows
from shared.events import AudioCaptured, Event, ModelLoaded, SpeechEnded, SpeechStarted, WakeDetected
from shared.logs import get_logger
from shared.pcm import CAPTURE_RATE, floats

__all__ = ["ListeningService"]

_FRAME_MS = 20
_log = get_logger("listening")


class ListeningService:
    """Frames to speech, silence and wake words.

    A window of voice activity costs less than handing it to a thread would (docs/adr/0015), so engines run on the
    loop, which gets its turn between any two frames. Frames that are dropped or missing end speech in progress.
    """

    name: ClassVar[str] = "listening"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(
        self,
        settings: ListeningSettings,
        *,
        voice: Callable[[], VoiceActivity] = SileroVad,
        wake: Callable[[Sequence[str], int], WakeWords] = MicroWakeWords,
    ) -> None:
        self._settings = settings
        self._make_voice = voice
        self._make_wake = wake

    async def run(self, ctx: Context) -> None:
        settings = self._settings
        frames = ctx.bus.subscribe(
            AudioCaptured,
            session=ctx.session,
            name=f"{self.name}:audio",
            capacity=max(8, settings.backlog_ms // _FRAME_MS),
            overflow=Overflow.DROP_OLDEST,
        )
        async with frames:
            ear = _Ear(ctx, settings, await self._voice(ctx), await self._wake(ctx))
            async for frame in frames:
                ear.hear(frame)
                if frames.queued:
                    await asyncio.sleep(0)  # a backlog must not keep the loop
            ear.end()

    async def _voice(self, ctx: Context) -> VoiceActivity:
        began = ctx.clock.monotonic_ns()
        voice = await asyncio.to_thread(self._make_voice)
        took = ctx.clock.monotonic_ns() - began
        ctx.emit(ModelLoaded, role="vad", name=voice.name, engine="silero", load_ns=took)
        return voice

    async def _wake(self, ctx: Context) -> WakeWords | None:
        settings = self._settings
        if not settings.wake:
            ctx.ready()
            return None
        began = ctx.clock.monotonic_ns()
        try:
            refractory = settings.wake_refractory_ms * CAPTURE_RATE // 1000
            wake = await asyncio.to_thread(self._make_wake, settings.wake, refractory)
        except WakeWordsUnavailable as error:
            ctx.degraded(str(error))
            return None
        took = ctx.clock.monotonic_ns() - began
        ctx.emit(ModelLoaded, role="wake", name=wake.name, engine="pymicro-wakeword", load_ns=took)
        ctx.ready()
        return wake


class _Ear:
    """The state of one stream of frames."""

    def __init__(self, ctx: Context, settings: ListeningSettings, voice: VoiceActivity, wake: WakeWords | None) -> None:
        self._ctx = ctx
        self._voice = voice
        self._wake = wake
        self._windows = Windows()
        self._detector = SpeechDetector(
            settings.start_threshold,
            settings.stop_threshold,
            settings.onset_windows,
            settings.hangover_ms * CAPTURE_RATE // 1000,
            settings.sure_threshold,
        )

    def hear(self, frame: AudioCaptured) -> None:
        heard_until = self._windows.heard_until
        if self._windows.add(frame.first_sample, frame.pcm):
            self._gap(heard_until, frame.first_sample)
        for first_sample, pcm in self._windows.take():
            self._spot(pcm, first_sample)
            self._report(self._detector.push(self._voice.probability(floats(pcm)), first_sample))

    def _spot(self, pcm: bytes, first_sample: int) -> None:
        if self._wake is None:
            return
        for word in self._wake.hear(pcm, first_sample):
            self._ctx.emit(WakeDetected, phrase=word.phrase, sample=word.sample, score=word.score)

    def end(self) -> None:
        """No more frames come."""
        self._report(self._detector.cut(self._windows.heard_until))

    def _gap(self, heard_until: int, first_sample: int) -> None:
        _log.warning("frames are missing", heard_until=heard_until, next_sample=first_sample)
        self._report(self._detector.cut(heard_until))
        self._voice.reset()
        if self._wake is not None:
            self._wake.reset()

    def _report(self, noticed: Started | Ended | None) -> None:
        match noticed:
            case Started(sample, noticed_sample, probability):
                self._ctx.emit(SpeechStarted, sample=sample, noticed_sample=noticed_sample, probability=probability)
            case Ended(start, sample, noticed_sample):
                self._ctx.emit(SpeechEnded, start_sample=start, sample=sample, noticed_sample=noticed_sample)
            case None:
                return
