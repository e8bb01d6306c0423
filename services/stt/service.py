"""The speech-to-text service: hears one utterance at a time, publishes what it understands of it while it lasts.

Positions alone tie sound to requests: an utterance is finished once all sound up to its end has come, whenever the
request came. At every pause the utterance is settled ahead, so that the answer to `stt.finish` is usually ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar

from bus import Overflow, Subscription
from services.contract import Context
from services.stt.engines import ENGINES
from services.stt.ports import MakeEngine, Sentences, no_sentences
from services.stt.ring import Ring
from services.stt.room import Room
from services.stt.settings import SttSettings
from services.stt.utterance import Utterance
from shared.events import (
    AudioCaptured,
    Event,
    ModelLoad,
    ModelPulled,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttCancel,
    SttFailed,
    SttFinish,
    SttStart,
)
from shared.installed import Shelf
from shared.logs import get_logger
from shared.pcm import CAPTURE_RATE

__all__ = ["SttService"]

_STILL_NS = 2_000_000_000
"""A conversation of another process that sends no sound for so long lets recognition go to the next."""

_log = get_logger("stt")


class SttService:
    """See the module. `engines` maps an engine's name to what makes it; tests pass their own.

    `known` tells which sentences to listen for until skills register theirs; it may block. One that listens for
    `anyone` has no conversation of its own: it hears that of another process, one at a time.
    """

    name: ClassVar[str] = "stt"
    consumes: ClassVar[tuple[type[Event], ...]] = (
        SttStart,
        SttFinish,
        SttCancel,
        SpeechStarted,
        SpeechEnded,
        SkillsRegistered,
        ModelLoad,
        ModelPulled,
    )

    def __init__(
        self,
        settings: SttSettings,
        shelf: Shelf,
        *,
        engines: Mapping[str, MakeEngine] = ENGINES,
        known: Callable[[], Sentences] = no_sentences,
        anyone: bool = False,
    ) -> None:
        self._settings = settings
        self._anyone = anyone
        self._shelf = shelf
        self._engines = engines
        self._known = known
        self._ring = Ring(settings.ring_seconds * CAPTURE_RATE)

    async def run(self, ctx: Context) -> None:
        frames = ctx.bus.subscribe(
            AudioCaptured,
            session=None if self._anyone else ctx.session,
            name=f"{self.name}:audio",
            capacity=self._settings.ring_seconds * 50,
            overflow=Overflow.DROP_OLDEST,
        )
        async with frames:
            room = Room(self._settings, self._shelf, self._engines, self._known)
            desk = _Desk(ctx, self._settings, self._ring, room, anyone=self._anyone)
            ctx.tasks.create_task(desk.room.run(ctx), name="stt:engines")
            ctx.tasks.create_task(desk.hear(frames), name="stt:audio")
            async for event in ctx.inbox:
                desk.handle(event)


class _Desk:
    """Takes requests and sound to the one utterance there is."""

    def __init__(self, ctx: Context, settings: SttSettings, ring: Ring, room: Room, *, anyone: bool) -> None:
        self._ctx = ctx
        self._anyone = anyone
        self._session = "" if anyone else ctx.session
        """The conversation that is listened to."""
        self._heard_ns = -_STILL_NS
        """When it was heard last."""
        self._settings = settings
        self._ring = ring
        self.room = room
        self._utterance: Utterance | None = None
        self._task: asyncio.Task[None] | None = None

    async def hear(self, frames: Subscription[AudioCaptured]) -> None:
        """Keep the ring up to date."""
        async for frame in frames:
            if self._is_listened_to(frame.session):
                self._heard_ns = self._ctx.clock.monotonic_ns()
                self._ring.add(frame.first_sample, frame.pcm)
                if self._utterance is not None:
                    self._utterance.sound_came()
            if frames.queued:
                await asyncio.sleep(0)  # a backlog must not keep the loop

    def _is_listened_to(self, session: str) -> bool:
        """Whoever listens for anyone turns to another conversation when the last one has become still."""
        free = self._anyone and self._utterance is None
        if free and session != self._session and self._ctx.clock.monotonic_ns() - self._heard_ns >= _STILL_NS:
            self._session = session
            self._ring.forget()
        return session == self._session

    def handle(self, event: Event) -> None:
        """Take one event of the inbox; never waits."""
        ours = not self._anyone or self._is_listened_to(event.session)
        match event:
            case SttStart() if ours:
                self._begin(event)
            case SttFinish() if ours:
                self._finish(event)
            case SttFinish():
                self._refuse(event, "Recognition listens to another conversation: start another one for this.")
            case SttCancel() if ours and self._utterance is not None and self._utterance.name == event.utterance:
                self._drop()
            case SpeechStarted() if self._utterance is not None and event.session == self._session:
                self._utterance.speech_started(event)
            case SpeechEnded() if self._utterance is not None and event.session == self._session:
                self._utterance.speech_ended(event)
            case SkillsRegistered():
                self.room.learn(event)
            case ModelLoad() | ModelPulled() if event.role == "stt":
                self.room.load(event)
            case _:
                return

    def _begin(self, event: SttStart) -> None:
        if self._utterance is not None:
            _log.warning("an utterance was left unfinished", utterance=self._utterance.name)
            self._drop()
        utterance = self._utterance = Utterance(self._ctx, self._settings, self._ring, self.room, event)
        task = self._task = self._ctx.tasks.create_task(utterance.run(), name=f"stt:{event.utterance}")
        task.add_done_callback(lambda _: self._ended(utterance))

    def _finish(self, event: SttFinish) -> None:
        utterance = self._utterance
        if utterance is None or utterance.name != event.utterance:
            self._refuse(event, "Recognition was restarted while you spoke; please say it again.")
            return
        assert self._task is not None
        self._ctx.inbox.hold(event)
        self._task.add_done_callback(lambda task: self._release(task, event))
        utterance.finish(event)

    def _refuse(self, event: SttFinish, reason: str) -> None:
        self._ctx.emit(SttFailed, utterance=event.utterance, engine="", reason=reason)

    def _release(self, task: asyncio.Task[None], event: SttFinish) -> None:
        """A finish stays in hand until it is answered: after a crash it is delivered again."""
        if task.cancelled() or task.exception() is None:
            self._ctx.inbox.release(event)

    def _drop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._utterance = self._task = None

    def _ended(self, utterance: Utterance) -> None:
        if self._utterance is utterance:
            self._utterance = self._task = None
