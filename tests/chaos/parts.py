"""One of each service that may run apart: what it is asked in a turn, and what it does; all scripted but skills."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from services.contract import Context
from shared.events import (
    NOTHING_USED,
    EmbedRequest,
    EmbedResult,
    Event,
    LlmDelta,
    LlmRequest,
    LlmResponse,
    MemoryStore,
    MemoryStored,
    SttFinal,
    SttFinish,
    TextEntered,
    ToolCall,
    TtsAudio,
    TtsFinished,
    TtsRequest,
)

__all__ = ["PARTS", "Part", "Reader", "once"]


def once(folder: Path, event: Event) -> bool:
    """Keep an effect under the event's id, where every process sees it; False where it was kept already."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / event.id).open("x").close()
    except FileExistsError:
        return False
    return True


class Part:
    """A service that answers each request. One whose request has an `effect` has that once, and notes a repetition."""

    name: ClassVar[str]
    consumes: ClassVar[tuple[type[Event], ...]]
    effect: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        """The fields of a turn's request."""
        raise NotImplementedError

    async def answer(self, ctx: Context, request: Any) -> None:
        """Do it, and say so."""
        raise NotImplementedError

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for request in ctx.inbox:
            if self.effect:
                await asyncio.to_thread(self._have, request)
            ctx.turn(request).start(self.answer(ctx, request))

    def _have(self, request: Event) -> None:
        if not once(self._folder / "effects", request):
            once(self._folder / "again", request)


class Ears(Part):
    """Understands the turn's number."""

    name = "stt"
    consumes = (SttFinish,)

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        return {"utterance": str(number), "until_sample": 1}

    async def answer(self, ctx: Context, request: SttFinish) -> None:
        ctx.emit(
            SttFinal,
            utterance=request.utterance,
            text=request.utterance,
            words=(),
            language="en",
            confidence=1.0,
            trusted=True,
            mode="dictation",
            engine="script",
            start_sample=0,
            until_sample=1,
            decode_ns=0,
        )


class Hands(Part):
    """The real skills: a timer is set, and must ring."""

    name = "skills"
    consumes = (ToolCall,)

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        return {"sentence": "set a timer for one second", "name": "", "arguments": {}, "language": "en"}


class Mind(Part):
    """Answers with three words, after as long as the request says."""

    name = "llm"
    consumes = (LlmRequest,)

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        plain: dict[str, Any] = {"max_tokens": 3, "temperature": 0.0, "seed": number, "stop": (), "deadline_ms": 0}
        return {"messages": (), "tools": (), **plain}

    async def answer(self, ctx: Context, request: LlmRequest) -> None:
        for index in range(3):
            await asyncio.sleep(request.deadline_ms / 3000)
            await ctx.bus.outlet(request).send(ctx.event(LlmDelta, request=request.id, index=index, text=f"{index} "))
        ctx.emit(
            LlmResponse,
            request=request.id,
            text="0 1 2 ",
            finish="stop",
            tool_requests=(),
            usage=NOTHING_USED,
            model="script",
        )


class Voice(Part):
    """Speaks a sentence in three pieces."""

    name = "tts"
    consumes = (TtsRequest,)

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        return {"reply": str(number), "clause": 0, "text": "Say it.", "language": "en", "voice": "", "last": True}

    async def answer(self, ctx: Context, request: TtsRequest) -> None:
        about: dict[str, Any] = {"reply": request.reply, "clause": request.clause, "rate": 16_000}
        for piece in range(3):
            await asyncio.sleep(0)
            ctx.emit(TtsAudio, **about, first_sample=piece * 160, marks=(), last=piece == 2, pcm=bytes(320))
        ctx.emit(TtsFinished, **about, samples=480, engine="script", synthesis_ns=0)


class Recollection(Part):
    """Keeps a fact."""

    name = "memory"
    consumes = (MemoryStore,)
    effect = True

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        return {"text": f"The number is {number}."}

    async def answer(self, ctx: Context, request: MemoryStore) -> None:
        ctx.emit(MemoryStored, item=None, replaced=(), problem="")


class Vectors(Part):
    """Gives a text a vector."""

    name = "embedding"
    consumes = (EmbedRequest,)

    @staticmethod
    def asked(number: int) -> dict[str, Any]:
        return {"texts": (str(number),)}

    async def answer(self, ctx: Context, request: EmbedRequest) -> None:
        ctx.emit(
            EmbedResult,
            request=request.id,
            model="script",
            engine="script",
            fingerprint="",
            count=1,
            dimensions=1,
            tokens=1,
            truncated=(),
            vectors=bytes(4),
        )


class Reader:
    """Keeps every text that is entered: what is no request, and is for everybody."""

    name: ClassVar[str] = "reader"
    consumes: ClassVar[tuple[type[Event], ...]] = (TextEntered,)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            await asyncio.to_thread(once, self._folder, event)


PARTS: Mapping[str, type[Part]] = {part.name: part for part in (Ears, Hands, Mind, Voice, Recollection, Vectors)}
