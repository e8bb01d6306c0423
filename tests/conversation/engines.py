"""Scripted engines as services: a recogniser, skills, a model and a voice that say what a scenario has for them.

Of the person they know only what comes over the bus: the samples of the world's microphone spell the words in them. So
they do the same in the conversation's process and in others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import astuple, dataclass, field
from typing import Any, ClassVar

from bus import Bus, Mailbox, Overflow, Subscription
from services.contract import Context, Service
from shared.clock import Clock
from shared.events import (
    AudioCaptured,
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    ServiceCrashed,
    ServiceReady,
    SttCancel,
    SttFailed,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
    ToolCall,
    ToolRequest,
    ToolResult,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    Usage,
    WordMark,
)
from shared.ids import id_source

__all__ = ["ENGINES", "FRAME", "VOICE_RATE", "Break", "Engines", "Script", "Sound", "spelled", "together"]

FRAME = 320
VOICE_RATE = 22_050
_USAGE = Usage(
    prompt_tokens=1,
    cached_tokens=0,
    completion_tokens=1,
    dropped_messages=0,
    queue_ns=1_000_000,
    prefill_ns=0,
    decode_ns=0,
)


@dataclass
class Script:
    """What the engines of one scenario do."""

    language: str = "en"
    skills: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """By engine (stt, skills, llm, tts): `fails`, `silent` and others, for its next request only."""
    delays: Callable[[], float] = lambda: 0.0
    """Seconds by which an engine's next answer is late."""


Break = Callable[[Mapping[str, str]], Awaitable[None]]
"""Breaks engines, as `Script.broken` says."""
Engines = Callable[[Bus, Clock, Script], AbstractAsyncContextManager[Break]]
"""Runs the engines of a scenario for a bus, here or elsewhere."""


@dataclass(frozen=True)
class Sound:
    """Something a person did with their voice: words (or none, a cough) between two samples."""

    first: int
    until: int
    word: str
    trusted: bool = True


def spelled(sounds: Sequence[Sound], first: int) -> bytes:
    """The frame that begins with this sample: what sounds in it is written where its samples are."""
    here = [astuple(sound) for sound in sounds if sound.first < first + FRAME and first < sound.until]
    return (json.dumps(here).encode() if here else b"").ljust(2 * FRAME, b"\0")


def _read(pcm: bytes) -> list[Sound]:
    written = pcm.rstrip(b"\0")
    return [Sound(*one) for one in json.loads(written)] if written else []


class Recogniser:
    """Understands each word once it was said; the text of an utterance is what was said between its ends."""

    name: ClassVar[str] = "stt"
    consumes: ClassVar[tuple[type[Event], ...]] = (SttStart, SttFinish, SttCancel)

    def __init__(self, script: Script) -> None:
        self._script = script
        self._heard: dict[Sound, None] = {}
        self._position = 0
        self._frame = asyncio.Event()

    async def run(self, ctx: Context) -> None:
        frames = ctx.bus.subscribe(AudioCaptured, name="stt:audio", capacity=10_000, overflow=Overflow.DROP_OLDEST)
        streams: dict[str, asyncio.Task[None]] = {}
        starts: dict[str, SttStart] = {}
        with frames:
            ctx.tasks.create_task(self._hear(frames))
            ctx.ready()
            async for event in ctx.inbox:
                if isinstance(event, SttStart):
                    starts[event.utterance] = event
                    streams[event.utterance] = _work(ctx, event, self._understand(ctx, event))
                elif isinstance(event, SttFinish) and event.utterance in streams:
                    streams.pop(event.utterance).cancel()
                    _work(ctx, event, self._transcribe(ctx, starts[event.utterance], event))
                elif isinstance(event, SttFinish):
                    ctx.emit(SttFailed, utterance=event.utterance, engine="script", reason="it was never begun")
                elif isinstance(event, SttCancel) and event.utterance in streams:
                    streams.pop(event.utterance).cancel()

    async def _hear(self, frames: Subscription[AudioCaptured]) -> None:
        async for frame in frames:
            self._heard |= dict.fromkeys(_read(frame.pcm))
            self._position = frame.first_sample + FRAME
            self._frame.set()
            self._frame.clear()

    async def _understand(self, ctx: Context, start: SttStart) -> None:
        said = ""
        while True:
            await self._frame.wait()
            sounds = self._sounds(start.from_sample, self._position - 3200)
            text = " ".join(s.word for s in sounds if s.word)
            if text != said:
                said = text
                self._partial(ctx, start, text, 0.8 if all(s.trusted for s in sounds) else 0.2)

    def _partial(self, ctx: Context, start: SttStart, text: str, confidence: float) -> None:
        ctx.emit(
            SttPartial,
            turn=start.turn,
            utterance=start.utterance,
            text=text,
            stable="",
            until_sample=self._position,
            language=self._script.language,
            confidence=confidence,
            engine="script",
        )

    async def _transcribe(self, ctx: Context, start: SttStart, finish: SttFinish) -> None:
        broken = self._script.broken.pop("stt", "")
        if broken == "crashes":
            ctx.emit(ServiceCrashed, turn=0, service="stt", error="SIGSEGV", handling=finish.id)
            return
        await asyncio.sleep(0.12 + self._script.delays())
        if broken == "fails":
            ctx.emit(SttFailed, utterance=finish.utterance, engine="script", reason="it broke")
        elif not broken:
            sounds = self._sounds(start.from_sample, finish.until_sample)
            ctx.emit(
                SttFinal,
                utterance=finish.utterance,
                text=" ".join(s.word for s in sounds if s.word),
                words=(),
                language=self._script.language,
                confidence=0.9,
                trusted=all(s.trusted for s in sounds),
                mode="dictation",
                engine="script",
                start_sample=start.from_sample,
                until_sample=finish.until_sample,
                decode_ns=120_000_000,
            )

    def _sounds(self, first: int, until: int) -> list[Sound]:
        return [s for s in self._heard if first <= s.first and s.until <= until]


class Skills:
    """Answers from the script; what is not in it is unmatched."""

    name: ClassVar[str] = "skills"
    consumes: ClassVar[tuple[type[Event], ...]] = (ToolCall,)

    def __init__(self, script: Script) -> None:
        self._script = script

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, ToolCall)
            await asyncio.sleep(self._script.delays())
            broken = self._script.broken.pop("skills", "")
            if broken == "crashes":
                ctx.emit(ServiceCrashed, turn=0, service="skills", error="KeyError", handling=event.id)
            if not broken:
                self._answer(ctx, event)

    def _answer(self, ctx: Context, call: ToolCall) -> None:
        known = self._script.skills.get(call.name or call.sentence.lower().rstrip(".?!"))
        fields = {"speech": known} if isinstance(known, str) else dict(known or {})
        ctx.emit(
            ToolResult,
            outcome="unmatched" if known is None else fields.get("outcome", "answered"),
            name=fields.get("name", "skill"),
            speech=fields.get("speech", ""),
            data=fields.get("data", {}),
            action=fields.get("action", "none"),
            language=self._script.language,
        )


class Model:
    """Answers the last message from the script, token by token."""

    name: ClassVar[str] = "llm"
    consumes: ClassVar[tuple[type[Event], ...]] = (LlmRequest,)

    def __init__(self, script: Script) -> None:
        self._script = script

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, LlmRequest)
            _work(ctx, event, self._generate(ctx, event))

    async def _generate(self, ctx: Context, request: LlmRequest) -> None:
        broken = self._script.broken.pop("llm", "")
        await asyncio.sleep(0.3 + self._script.delays())
        if broken == "silent":
            return
        if broken == "crashes":
            ctx.emit(ServiceCrashed, turn=0, service="llm", error="MemoryError", handling=request.id)
            return
        if broken in ("fails", "no-model", "too-long"):
            reason = "engine" if broken == "fails" else broken
            ctx.emit(LlmFailed, request=request.id, reason=reason, message="a sentence")
            return
        last = request.messages[-1]
        answer = self._script.model[last.content if last.role == "tool" else last.content.rpartition("\n")[2]]
        text = answer if isinstance(answer, str) else ""
        for index, token in enumerate(re.findall(r"\s*\S+", text)):
            await asyncio.sleep(0.03 + self._script.delays())
            if broken == "breaks" and index == 8:
                ctx.emit(ServiceCrashed, turn=0, service="llm", error="MemoryError", handling=request.id)
                return
            ctx.emit(LlmDelta, request=request.id, index=index, text=token)
        tools = () if isinstance(answer, str) else (ToolRequest(id="t1", **answer),)
        ctx.emit(
            LlmResponse,
            request=request.id,
            text=text,
            finish="tool" if tools else "stop",
            tool_requests=tools,
            usage=_USAGE,
            model="script",
        )


class Voice:
    """Speaks the clauses one after the other, a word each 250 ms with 50 ms of silence after it."""

    name: ClassVar[str] = "tts"
    consumes: ClassVar[tuple[type[Event], ...]] = (TtsRequest,)

    def __init__(self, script: Script) -> None:
        self._script = script

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, TtsRequest)
            broken = self._script.broken.get("tts", "")
            if broken == "fails-once":
                del self._script.broken["tts"]
            if broken:
                if broken != "silent":
                    ctx.emit(TtsFailed, reply=event.reply, clause=event.clause, engine="script", reason="it broke")
                continue
            with contextlib.suppress(asyncio.CancelledError):
                await _work(ctx, event, self._speak(ctx, event))

    async def _speak(self, ctx: Context, request: TtsRequest) -> None:
        word, gap = VOICE_RATE // 4, VOICE_RATE // 20
        await asyncio.sleep(0.08 + self._script.delays())
        samples = 0
        spans = list(re.finditer(r"\w\S*", request.text))
        for index, span in enumerate(spans):
            mark = WordMark(start=span.start(), end=span.end(), first_sample=samples, until_sample=samples + word)
            ctx.emit(
                TtsAudio,
                reply=request.reply,
                clause=request.clause,
                first_sample=samples,
                rate=VOICE_RATE,
                marks=(mark,),
                last=index == len(spans) - 1,
                pcm=bytes(2 * (word + gap)),
            )
            samples += word + gap
            await asyncio.sleep(0.01)
        ctx.emit(
            TtsFinished,
            reply=request.reply,
            clause=request.clause,
            samples=samples,
            rate=VOICE_RATE,
            engine="script",
            synthesis_ns=1,
        )


ENGINES: Mapping[str, Callable[[Script], Service]] = {
    "stt": Recogniser,
    "skills": Skills,
    "llm": Model,
    "tts": Voice,
}


def _work(ctx: Context, event: Event, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Work beside the inbox; a fence ends the work of its turn, not the facts that are found out."""
    return ctx.turn(event).start(work) if event.fenced else ctx.tasks.create_task(work)


@contextlib.asynccontextmanager
async def together(bus: Bus, clock: Clock, script: Script) -> AsyncIterator[Break]:
    """All engines in the conversation's process, on its bus."""
    ids, ready = id_source("engine-"), asyncio.Semaphore(0)

    async def live(service: Service, inbox: Mailbox) -> None:
        async with asyncio.TaskGroup() as tasks:
            ctx = Context(service.name, bus=bus, inbox=inbox, clock=clock, ids=ids, session="test", tasks=tasks)
            await ctx.serve(service)

    async def breaks(engines: Mapping[str, str]) -> None:
        script.broken |= engines

    services = [make(script) for make in ENGINES.values()]
    boxes = [Mailbox(bus, bus.subscribe(*service.consumes, name=service.name)) for service in services]
    async with asyncio.TaskGroup() as tasks:
        untap = bus.tap(lambda event: ready.release() if isinstance(event, ServiceReady) else None)
        living = [tasks.create_task(live(*one)) for one in zip(services, boxes, strict=True)]
        for _ in living:
            await ready.acquire()
        untap()
        yield breaks
        for life in living:
            life.cancel()
