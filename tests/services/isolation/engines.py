"""A service that answers in a process of its own, and dies there in every way that a person can name."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from pathlib import Path
from typing import ClassVar

from bus import Overflow, Subscription
from services.contract import Context
from shared.events import (
    AudioCaptured,
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    MetricSample,
    TextEntered,
    ToolCall,
    Usage,
)


class Parrot:
    """Answers each text with its own, as a metric: name, and value = how much sound it has heard.

    Some words are dangerous, as often as `deadly` has lines.
    """

    name: ClassVar[str] = "parrot"
    consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered, ToolCall)

    def __init__(self, deadly: Path) -> None:
        self._deadly = deadly
        self._heard = 0

    async def run(self, ctx: Context) -> None:
        sound = ctx.bus.subscribe(AudioCaptured, name="ears", session=ctx.session, overflow=Overflow.DROP_OLDEST)
        ctx.tasks.create_task(self._listen(sound))
        ctx.ready()
        async for event in ctx.inbox:
            if isinstance(event, TextEntered):
                ctx.turn(event).start(self._answer(ctx, event))

    async def _listen(self, sound: Subscription[AudioCaptured]) -> None:
        async for frame in sound:
            self._heard += len(frame.pcm)

    async def _answer(self, ctx: Context, event: TextEntered) -> None:
        ctx.emit(MetricSample, name=f"{event.text} from {os.getpid()}", value=self._heard, labels={})
        if event.text == "wait":
            await asyncio.Event().wait()
        if lives := _lives(self._deadly):
            _die(lives[0])
            await asyncio.Event().wait()
        ctx.emit(MetricSample, name=event.text, value=self._heard, labels={"session": ctx.session})


class Model:
    """A language model of nine words, which dies after its first one, as often as `deadly` has lines."""

    name: ClassVar[str] = "llm"
    consumes: ClassVar[tuple[type[Event], ...]] = (LlmRequest,)

    def __init__(self, deadly: Path) -> None:
        self._deadly = deadly

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, LlmRequest)
            ctx.turn(event).start(self._answer(ctx, event))

    async def _answer(self, ctx: Context, request: LlmRequest) -> None:
        outlet, words = ctx.bus.outlet(request), [f"{number} " for number in range(1, 10)]
        for index, word in enumerate(words):
            await outlet.send(ctx.event(LlmDelta, request=request.id, index=index, text=word))
            if not index and (lives := _lives(self._deadly)):
                _die(lives[0])
                await asyncio.Event().wait()
        ctx.emit(
            LlmResponse,
            request=request.id,
            text="".join(words),
            finish="stop",
            tool_requests=(),
            usage=_USAGE,
            model="nine",
        )


_USAGE = Usage(
    prompt_tokens=0,
    cached_tokens=0,
    completion_tokens=9,
    dropped_messages=0,
    queue_ns=0,
    prefill_ns=0,
    decode_ns=0,
)


def _lives(deadly: Path) -> list[str]:
    """Take the next death off the file."""
    lives = deadly.read_text().splitlines() if deadly.exists() else []
    deadly.write_text("\n".join(lives[1:]))
    return lives


def _die(how: str) -> None:
    match how:
        case "segfault":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "deadlock":
            ctypes.PyDLL(None).pause()  # holds the interpreter's lock for ever
        case "raise":
            raise ValueError("out of words")
        case "hoard":
            _HOARD.append(bytearray(os.urandom(1)) * (400 << 20))


_HOARD: list[bytearray] = []
