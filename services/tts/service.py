"""Text to speech: answers each `tts.request` with the clause's samples and word marks, as soon as they exist."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import ClassVar

from bus import StreamClosed
from services.contract import Context
from services.tts.engines import make_espeak, make_piper
from services.tts.line import Line, Place
from services.tts.live import Piece, pieces
from services.tts.marks import Marker
from services.tts.port import Delivery, Engine, TtsError
from services.tts.roster import MakeVoice, Roster, Seat
from services.tts.settings import TtsSettings
from services.tts.speakable import Speakable, speakable
from services.tts.voices import VoiceMissing, Voices, is_espeak_voice
from shared.events import (
    Event,
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    ModelPulled,
    ModelUnloaded,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    WordMark,
)
from shared.installed import InstalledModel, Shelf
from shared.logs import get_logger
from shared.pcm import samples_in

__all__ = ["TtsService"]

_log = get_logger("tts")

_SETTINGS = ""
"""Where what is wrong with the settings is kept, beside what is wrong with voices."""
_WARM = "On May 5 at 9:30 it cost €1.50 for 2 km."
"""Read once at the start, for the first clause should not wait until the words of the language are loaded."""


class TtsService:
    """Speaks clauses one at a time per conversation, in the order of their index.

    A fence ends a clause at once: no later sample is published, the native work stops at its next step, and the next
    clause begins without waiting for it. `built_in` and `make_voice` make engines, off the event loop.
    """

    name: ClassVar[str] = "tts"
    consumes: ClassVar[tuple[type[Event], ...]] = (TtsRequest, ModelLoad, ModelPulled)

    def __init__(
        self,
        settings: TtsSettings,
        shelf: Shelf,
        *,
        built_in: Callable[[], Engine] = make_espeak,
        make_voice: MakeVoice = make_piper,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._built_in = built_in
        self._make_voice = make_voice

    async def run(self, ctx: Context) -> None:
        """See Service."""
        voices = Voices(self._settings, self._shelf)
        roster = Roster(self._settings, voices, built_in=self._built_in, make_voice=self._make_voice)
        with contextlib.closing(roster):
            await _Speaking(ctx, self._settings, voices, roster).run()


class _Speaking:
    """One run of the service."""

    def __init__(self, ctx: Context, settings: TtsSettings, voices: Voices, roster: Roster) -> None:
        self._ctx = ctx
        self._voices = voices
        self._settings = settings
        self._roster = roster
        self._lines: dict[str, Line] = {}
        self._loading: set[str] = set()
        self._wrong: dict[str, str] = {}

    async def run(self) -> None:
        began = self._ctx.clock.monotonic_ns()
        built_in = await self._roster.open()
        self._loaded(built_in.engine, began)
        built_in.thread.submit(speakable, _WARM, self._settings.language)
        self._ctx.ready()
        self._check_settings()
        self._want(self._settings.language, self._settings.voice)
        async for event in self._ctx.inbox:
            if isinstance(event, TtsRequest):
                self._request(event)
            elif isinstance(event, ModelLoad) and event.role == "tts":
                self._ctx.turn(event).start(self._use(event.name))
            elif isinstance(event, ModelPulled) and event.role == "tts":
                self._ctx.turn(event).start(self._pulled(event.name))

    # ---- clauses

    def _request(self, request: TtsRequest) -> None:
        line = self._lines.setdefault(request.session, Line())
        place = line.join(request.reply, request.clause)
        task = self._ctx.turn(request).start(self._answer(request, place))
        task.add_done_callback(lambda _: self._leave(request, place))

    def _leave(self, request: TtsRequest, place: Place) -> None:
        line = self._lines[request.session]
        line.leave(place)
        if not line:
            del self._lines[request.session]
        if request.last:
            self._roster.forget(request.session, request.reply)

    async def _answer(self, request: TtsRequest, place: Place) -> None:
        await place.reached.wait()
        language = request.language or self._settings.language
        seat = self._roster.seat(request.session, request.reply, language, request.voice)
        self._want(language, request.voice)
        words = await asyncio.get_running_loop().run_in_executor(seat.thread, speakable, request.text, language)
        clause = _Clause(self._ctx, request, words)
        delivery = Delivery(language, self._voice(request, seat), self._settings.rate, self._settings.volume)
        try:
            await clause.speak(seat, delivery)
        except StreamClosed:
            _log.debug("nobody reads the clause", reply=request.reply, clause=request.clause)
        except TtsError as error:
            await self._failed(clause, seat, delivery, error)

    def _voice(self, request: TtsRequest, seat: Seat) -> str:
        """Piper's seat is its voice; espeak-ng's voices are known by names that are no Piper voice's."""
        names = (request.voice, self._settings.voice) if seat is self._roster.built_in else ()
        return next((name for name in names if is_espeak_voice(name)), "")

    async def _failed(self, clause: _Clause, seat: Seat, delivery: Delivery, error: TtsError) -> None:
        """A voice that fails is not used again; a clause of which nothing was heard is spoken by the built-in one."""
        _log.warning("a clause failed", engine=seat.engine.model, error=str(error))
        if seat is self._roster.built_in:
            clause.failed(seat.engine.name, error)
            return
        self._roster.refuse(seat.engine.model)
        self._broken(seat.engine.model, error)
        if clause.begun:
            clause.failed(seat.engine.name, error)
            return
        try:
            await clause.speak(self._roster.built_in, delivery)
        except TtsError as second:
            clause.failed(self._roster.built_in.engine.name, second)

    # ---- voices

    def _check_settings(self) -> None:
        try:
            self._voices.require()
        except VoiceMissing as error:
            self._wrong[_SETTINGS] = f"{error} espeak-ng speaks meanwhile."
            self._ctx.degraded(self._wrong[_SETTINGS])

    def _want(self, language: str, voice: str) -> None:
        """Load the voice that should speak this language, beside whatever speaks it now."""
        model = self._voices.best(language, voice)
        if model is not None and model.name not in self._loading and self._roster.loaded(model.name) is None:
            self._loading.add(model.name)  # before the task begins: another clause may want it until then
            self._ctx.tasks.create_task(self._load(model), name=f"tts:load:{model.name}")

    async def _use(self, name: str) -> None:
        try:
            model = self._voices.prefer(name)
        except TtsError as error:
            self._ctx.emit(ModelFailed, role="tts", name=name, engine="piper", message=str(error))
            return
        engine = self._roster.built_in.engine if model is None else self._roster.loaded(model.name)
        if engine is not None:
            self._loaded(engine, self._ctx.clock.monotonic_ns())
        elif model is not None:
            await self._load(model)

    async def _pulled(self, name: str) -> None:
        model = self._voices.arrived(name)
        if model is not None:
            await self._load(model)

    async def _load(self, model: InstalledModel) -> None:
        self._loading.add(model.name)
        began = self._ctx.clock.monotonic_ns()
        try:
            self._loaded(await self._roster.load(model), began)
            self._mended(model.name)
            for name in self._roster.surplus():
                self._ctx.emit(ModelUnloaded, role="tts", name=name, engine="piper")
        except TtsError as error:
            self._broken(model.name, error)
        finally:
            self._loading.discard(model.name)

    def _loaded(self, engine: Engine, began: int) -> None:
        load_ns = self._ctx.clock.monotonic_ns() - began
        self._ctx.emit(ModelLoaded, role="tts", name=engine.model, engine=engine.name, load_ns=load_ns)

    def _broken(self, name: str, error: TtsError) -> None:
        self._ctx.emit(ModelFailed, role="tts", name=name, engine="piper", message=str(error))
        self._wrong[name] = f"espeak-ng speaks instead of {name}. {error}"
        self._ctx.degraded(" ".join(self._wrong.values()))

    def _mended(self, name: str) -> None:
        """A voice works: say so if something was wrong with it, or with what the settings ask for."""
        was_wrong = bool(self._wrong)
        self._wrong.pop(name, None)
        with contextlib.suppress(VoiceMissing):
            self._voices.require()
            self._wrong.pop(_SETTINGS, None)
        if was_wrong and not self._wrong:
            self._ctx.ready()


class _Clause:
    """One clause on its way out."""

    def __init__(self, ctx: Context, request: TtsRequest, words: Speakable) -> None:
        self._ctx = ctx
        self._request = request
        self._words = words
        self._send = ctx.bus.outlet(request).send
        self._samples = 0
        self.begun = False

    async def speak(self, seat: Seat, delivery: Delivery) -> None:
        """Publish the clause's audio and its end. Raises TtsError, and StreamClosed when its reader went away."""
        began = self._ctx.clock.monotonic_ns()
        marker = Marker(self._words)
        rate = seat.engine.rate
        async with contextlib.aclosing(pieces(seat.engine, seat.thread, self._words.text, delivery)) as spoken:
            async for piece in spoken:
                await self._audio(piece, marker, rate)
        await self._send(self._event(b"", marker.rest(), rate, last=True))
        await self._send(
            self._ctx.event(
                TtsFinished,
                reply=self._request.reply,
                clause=self._request.clause,
                samples=self._samples,
                rate=rate,
                engine=seat.engine.name,
                synthesis_ns=self._ctx.clock.monotonic_ns() - began,
            )
        )

    def failed(self, engine: str, error: TtsError) -> None:
        """Publish that the clause cannot be spoken."""
        self._ctx.emit(
            TtsFailed, reply=self._request.reply, clause=self._request.clause, engine=engine, reason=str(error)
        )

    async def _audio(self, piece: Piece, marker: Marker, rate: int) -> None:
        marks = marker.spoken(piece.words)
        if piece.pcm or marks:
            self.begun = True
            await self._send(self._event(piece.pcm, marks, rate, last=False))

    def _event(self, pcm: bytes, marks: tuple[WordMark, ...], rate: int, *, last: bool) -> TtsAudio:
        first, self._samples = self._samples, self._samples + samples_in(pcm)
        return self._ctx.event(
            TtsAudio,
            reply=self._request.reply,
            clause=self._request.clause,
            first_sample=first,
            rate=rate,
            marks=marks,
            last=last,
            pcm=pcm,
        )
