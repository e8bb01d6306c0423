"""One utterance: sound is fed to the engine as it comes, partial texts go out, pauses are settled ahead of the finish.

Everything the engine does is awaited on its own thread; between two calls the newest wish is looked at.
"""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np

from services.contract import Context
from services.stt.ports import EngineUnusable, Listener
from services.stt.ring import Ring
from services.stt.room import Room
from services.stt.settings import SttSettings
from services.stt.transcript import Guess, Transcript
from services.stt.worker import Worker
from shared.errors import SottoError
from shared.events import (
    MetricSample,
    SpeechEnded,
    SpeechStarted,
    SttFailed,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
    Word,
    current,
)
from shared.logs import get_logger
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Utterance"]

_log = get_logger("stt")
_MS = CAPTURE_RATE // 1000
_NS_PER_MS = 1_000_000


class Utterance:
    """Made by `stt.start`; `run` ends after the answer to `stt.finish`, or is cancelled."""

    def __init__(self, ctx: Context, settings: SttSettings, ring: Ring, room: Room, start: SttStart) -> None:
        self._ctx = ctx
        self._settings = settings
        self._ring = ring
        self._room = room
        self._start = start
        self._changed = asyncio.Event()
        self._origin = self._fed = start.from_sample
        self._voiced = True
        self._pause: SpeechEnded | None = None
        self._settled: tuple[int, Transcript] | None = None
        self._finish: SttFinish | None = None
        self._finish_ns = 0
        self._last = Guess("", "", "", 0.0)
        self._cost_ns = 0
        self._idle_since_ns = 0
        self._decodings = 0
        self._first_decoding_ns = 0
        self._gave_up = False

    @property
    def name(self) -> str:
        """As `stt.start` named it."""
        return self._start.utterance

    def sound_came(self) -> None:
        """The ring has grown."""
        self._changed.set()

    def speech_started(self, event: SpeechStarted) -> None:
        """The person goes on: what was settled at the last pause is not the end."""
        settled = self._settled
        if settled is not None and event.sample >= settled[0]:
            self._settled = None
        self._pause = None
        self._voiced = True
        self._changed.set()

    def speech_ended(self, event: SpeechEnded) -> None:
        """A pause, perhaps the end: settle it ahead."""
        self._pause = event
        self._changed.set()

    def finish(self, event: SttFinish) -> None:
        """Answer as soon as all sound up to the end has come."""
        self._finish = event
        self._finish_ns = self._ctx.clock.monotonic_ns()
        self._changed.set()

    async def run(self) -> None:
        """Listen until the answer is published."""
        current.set(self._start)
        try:
            worker = await self._room.worker()
            with worker.in_use():
                await self._listen(worker)
        except SottoError as error:
            await self._fail(error)

    async def _listen(self, worker: Worker) -> None:
        language = self._start.language
        if language and worker.engine.languages and language not in worker.engine.languages:
            self._room.lacks(self._ctx, language)
            await self._asked_to_finish()
            self._answer(worker, Transcript("", (), language, 0.0, worker.engine.name, 0.0))
            return
        listener = await worker.call(worker.engine.listen, language)
        while not await self._step(worker, listener):
            await self._next_change()

    async def _step(self, worker: Worker, listener: Listener) -> bool:
        """Do what is most urgent; return True once the utterance is answered."""
        if self._finish is not None and self._sound_is_complete(self._finish):
            self._answer(worker, await self._transcript(worker, listener, self._finish))
            return True
        pause = self._pause
        if pause is not None and self._ring.until >= pause.noticed_sample:
            await self._settle(worker, listener, pause)
        elif self._guess_is_due():
            await self._guess(worker, listener)
        return False

    async def _next_change(self) -> None:
        if self._finish is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest()):
                    await self._changed.wait()
            self._changed.clear()
            return
        try:
            async with asyncio.timeout(self._settings.audio_wait_ms / 1000):
                await self._changed.wait()
            self._changed.clear()
        except TimeoutError:
            _log.warning("sound up to the end never came", utterance=self.name, until=self._finish.until_sample)
            self._gave_up = True

    def _sound_is_complete(self, finish: SttFinish) -> bool:
        return self._gave_up or self._settled is not None or self._ring.until >= finish.until_sample

    async def _transcript(self, worker: Worker, listener: Listener, finish: SttFinish) -> Transcript:
        if self._settled is not None:
            return self._settled[1]
        return await worker.call(_heard_and_settled, listener, self._take(finish.until_sample))

    async def _settle(self, worker: Worker, listener: Listener, pause: SpeechEnded) -> None:
        transcript = await worker.call(_heard_and_settled, listener, self._take(pause.noticed_sample))
        self._after_decoding()
        if self._pause is not pause:
            return  # the person went on meanwhile
        self._pause, self._voiced, self._settled = None, False, (pause.sample, transcript)
        # Words that were stable stay; the settled text is the newest hypothesis.
        stable = self._last.stable if transcript.text.startswith(self._last.stable) else ""
        guess = Guess(transcript.text, stable, transcript.language, transcript.confidence)
        self._publish(worker, guess, complete=transcript.complete)

    async def _guess(self, worker: Worker, listener: Listener) -> None:
        began = self._ctx.clock.monotonic_ns()
        guess = await worker.call(_heard_and_guessed, listener, self._take(self._ring.until))
        self._cost_ns = self._ctx.clock.monotonic_ns() - began
        self._after_decoding()
        self._publish(worker, guess)

    def _guess_is_due(self) -> bool:
        return self._rest() == 0

    def _rest(self) -> float | None:
        """Seconds until the engine may guess again what came meanwhile; None when too little came to be worth it."""
        settings = self._settings
        enough = self._ring.until - self._fed >= settings.partial_ms * _MS
        if not (enough and self._voiced and self._pause is None):
            return None
        rested_ns = self._ctx.clock.monotonic_ns() - self._idle_since_ns
        return max(0.0, self._cost_ns * (1 - settings.load) / settings.load - rested_ns) / 1e9

    def _after_decoding(self) -> None:
        self._idle_since_ns = self._ctx.clock.monotonic_ns()
        self._decodings += 1
        self._first_decoding_ns = self._first_decoding_ns or self._idle_since_ns
        self._changed.set()

    def _take(self, until: int) -> Floats:
        """Return the sound between what was fed and `until`; what the ring lost is silence, at most a second of it."""
        sound = self._ring.read(self._fed, until)
        missing = max(0, min(until, self._ring.until) - self._fed - len(sound))
        padding = min(missing, CAPTURE_RATE)
        self._origin += missing - padding
        self._fed += missing + len(sound)
        return np.concatenate([np.zeros(padding, np.float32), sound])

    def _publish(self, worker: Worker, guess: Guess, *, complete: bool = False) -> None:
        if not guess.stable.startswith(self._last.stable):
            guess = Guess(guess.text, self._last.stable, guess.language, guess.confidence)
        if guess == self._last and not complete:
            return
        self._last = guess
        self._ctx.emit(
            SttPartial,
            utterance=self.name,
            text=guess.text,
            stable=guess.stable,
            until_sample=self._fed,
            language=guess.language,
            confidence=guess.confidence,
            engine=worker.engine.name,
            complete=complete,
        )

    def _answer(self, worker: Worker, transcript: Transcript) -> None:
        assert self._finish is not None
        current.set(self._finish)
        self._ctx.emit(
            SttFinal,
            utterance=self.name,
            text=transcript.text,
            words=tuple(
                Word(
                    text=word.text,
                    start_sample=self._origin + word.start,
                    until_sample=self._origin + word.until,
                    confidence=word.confidence,
                )
                for word in transcript.words
            ),
            language=transcript.language,
            confidence=transcript.confidence,
            trusted=transcript.trusted,
            mode=transcript.mode,
            others=transcript.others,
            engine=worker.engine.name,
            start_sample=self._start.from_sample,
            until_sample=self._finish.until_sample,
            decode_ns=self._ctx.clock.monotonic_ns() - self._finish_ns,
        )
        self._report_cadence(worker)

    def _report_cadence(self, worker: Worker) -> None:
        if self._decodings > 1:
            mean = (self._idle_since_ns - self._first_decoding_ns) / (self._decodings - 1) / _NS_PER_MS
            labels = {"engine": worker.engine.name, "model": worker.engine.model}
            self._ctx.emit(MetricSample, name="stt.partial_interval_ms", value=mean, labels=labels)

    async def _fail(self, error: SottoError) -> None:
        """Answer the finish, when it comes, with what went wrong."""
        _log.error("recognition failed", utterance=self.name, error=str(error))
        finish = await self._asked_to_finish()
        current.set(finish)
        engine = "" if isinstance(error, EngineUnusable) else getattr(error, "engine", "")
        self._ctx.emit(SttFailed, utterance=self.name, engine=engine, reason=str(error))

    async def _asked_to_finish(self) -> SttFinish:
        while self._finish is None:
            await self._changed.wait()
            self._changed.clear()
        return self._finish


def _heard_and_guessed(listener: Listener, sound: Floats) -> Guess:
    listener.hear(sound)
    return listener.guess()


def _heard_and_settled(listener: Listener, sound: Floats) -> Transcript:
    listener.hear(sound)
    return listener.settle()
