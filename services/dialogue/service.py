"""The dialogue service: the shell around the pure reducer. It feeds events and wakes in, and carries commands out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from bus import Overflow, Subscription
from services.contract import Context
from services.dialogue.commands import Command, Fence, Publish, Woke
from services.dialogue.endpointing import Wait, adaptive_wait
from services.dialogue.history import Exchange
from services.dialogue.reducer import CONSUMED, reduce
from services.dialogue.settings import DialogueSettings
from services.dialogue.state import Rules, State
from services.dialogue.wakes import Wakes
from shared.events import (
    AlarmRang,
    AudioCaptured,
    Event,
    MemoryForget,
    MemoryForgotten,
    ModelLoaded,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    SessionClosed,
    SessionOpened,
    SkillsRegistered,
    SpeechStarted,
    TextEntered,
    WakeDetected,
)

__all__ = ["DialogueService"]

_COMMON = (ModelLoaded, ServiceCrashed, ServiceFailed, ServiceReady, SkillsRegistered)
"""Kinds that concern every conversation, whatever session they were stamped with."""

_OPENING = (SessionOpened, TextEntered, SpeechStarted, WakeDetected, AlarmRang)
"""Kinds that begin a conversation with a session that is not known yet."""


_BACKLOG = 1000
"""Frames, 20 s, by which the capture clock may be behind."""


Watcher = Callable[[str, str, bool, int], None]
"""Told of every step: its session, its input (an event's id, or with True a wake's name), and its time in unix ns."""


@dataclass(slots=True)
class _Conversation:
    state: State
    wakes: Wakes
    task: asyncio.Task[None]


class DialogueService:
    """Takes turns in every session it hears of. A restart after a crash goes on with the conversations as they were."""

    name: ClassVar[str] = "dialogue"
    consumes: ClassVar[tuple[type[Event], ...]] = CONSUMED

    def __init__(self, settings: DialogueSettings, wait: Wait | None = None) -> None:
        self._settings = settings
        self._rules = Rules(settings, wait or adaptive_wait(settings))
        self._conversations: dict[str, _Conversation] = {}
        self._common: dict[object, Event] = {}
        self._closing: set[str] = set()
        self._watcher: Watcher = lambda *_: None
        self._pasts: dict[str, tuple[Exchange, ...]] = {}

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` at every step, before what it decides is carried out: so a conversation can be run again."""
        self._watcher = watcher

    def remember(self, session: str, past: tuple[Exchange, ...]) -> None:
        """Let the session's conversation, once it opens, begin as if these turns had been held in it before."""
        self._pasts[session] = past

    @property
    def sessions(self) -> frozenset[str]:
        """The sessions in which a conversation goes on."""
        return frozenset(self._conversations)

    def history(self, session: str) -> dict[int, str]:
        """Return what was heard of each past answer of the session, by turn: so the next request holds it."""
        conversation = self._conversations.get(session)
        past = conversation.state.past if conversation else ()
        return {exchange.turn: exchange.heard() for exchange in past if not exchange.session}

    async def run(self, ctx: Context) -> None:
        """Hold the conversations until cancelled."""
        frames = ctx.bus.subscribe(
            AudioCaptured, name="dialogue-clock", capacity=_BACKLOG, overflow=Overflow.DROP_OLDEST
        )
        with frames:
            for conversation in self._conversations.values():
                conversation.task = ctx.tasks.create_task(conversation.wakes.run(), name="dialogue:wakes")
            ctx.tasks.create_task(self._follow_capture(ctx, frames), name="dialogue:clock")
            ctx.ready()
            async for event in ctx.inbox:
                self._handle(ctx, event)

    async def _follow_capture(self, ctx: Context, frames: Subscription[AudioCaptured]) -> None:
        """Move the capture clock frame by frame, in step with whoever listens to them.

        Were it ahead after a standstill, what listening has yet to notice would be taken for missing.
        """
        async for frame in frames:
            conversation = self._conversations.get(frame.session)
            if conversation is not None:
                self._step(ctx, frame.session, frame)
                conversation.wakes.advance(frame.first_sample + len(frame.pcm) // 2)
            if frames.queued:
                await asyncio.sleep(0)

    def _handle(self, ctx: Context, event: Event) -> None:
        if isinstance(event, _COMMON):
            self._common[type(event), event.slot()] = event
            for session in tuple(self._conversations):
                self._step(ctx, session, event)
            return
        if isinstance(event, MemoryForget) and self._conversations:  # whoever asked for it, it holds for all
            for session in tuple(self._conversations):
                self._step(ctx, session, event)
            return
        if isinstance(event, MemoryForget):
            ctx.emit(MemoryForgotten, store=self.name, removed=0, detail="", ok=True)
            return
        session = self._session_of(ctx, event)
        if session not in self._conversations:
            if not isinstance(event, _OPENING):
                return
            self._open(ctx, session)
        if isinstance(event, SessionClosed):
            self._closing.add(session)
        self._step(ctx, session, event)

    def _session_of(self, ctx: Context, event: Event) -> str:
        # An alarm may have been set in a session that is long over: it rings for whoever is here now.
        gone = isinstance(event, AlarmRang) and event.session not in self._conversations
        return ctx.session if gone else event.session

    def _open(self, ctx: Context, session: str) -> None:
        def due(name: str) -> None:
            if session in self._conversations:
                self._step(ctx, session, Woke(name))

        past = self._pasts.pop(session, ())
        turn = max(ctx.bus.fenced_turn(session), *(exchange.turn for exchange in past), 0)
        state = State(self._rules, self._settings.language, turn=turn, session=session, past=past)
        wakes = Wakes(due)
        task = ctx.tasks.create_task(wakes.run(), name="dialogue:wakes")
        self._conversations[session] = _Conversation(state, wakes, task)
        for event in tuple(self._common.values()):
            self._step(ctx, session, event)

    def _close(self, session: str) -> None:
        self._closing.discard(session)
        self._conversations.pop(session).task.cancel()

    def _step(self, ctx: Context, session: str, event: Event | Woke) -> None:
        conversation, now = self._conversations[session], ctx.clock.now_ns()
        conversation.state, commands = reduce(conversation.state, event, now)
        name, woke = (event.name, True) if isinstance(event, Woke) else (event.id, False)
        self._watcher(session, name, woke, now)
        for command in commands:
            self._carry_out(ctx, session, conversation, command)
        if session in self._closing and conversation.state.idle:
            self._close(session)

    def _carry_out(self, ctx: Context, session: str, conversation: _Conversation, command: Command) -> None:
        if isinstance(command, Publish):
            ctx.emit(command.kind, session=session, turn=command.turn, **command.fields)
        elif isinstance(command, Fence):
            ctx.bus.fence(session, command.turn)
        else:
            conversation.wakes.set(command)
