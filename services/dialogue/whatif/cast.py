"""The others, played from the record: the person, listening, and engines that answer as they did, when they did.

What the record does not know they make up as well as can be, and say so in `guessed`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Any

from bus import Bus, Subscription
from services.dialogue.whatif.past import Past, Timed, tool_key
from services.dialogue.whatif.speaker import Speaker
from shared.events import (
    NOTHING_USED,
    AudioCaptured,
    AudioPause,
    AudioResume,
    AudioStop,
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    MemoryQuery,
    Stamp,
    SttCancel,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
    ToolCall,
    ToolResult,
    TtsAudio,
    TtsFinished,
    TtsRequest,
    WordMark,
)

__all__ = ["Cast"]

_RATE = 22_050
_CHARS_PER_SECOND = 15
_FIRST_SOUND_NS = 80_000_000
_ENVELOPE = frozenset(Event.model_fields)


class Cast:
    """Lives on a bus beside dialogue, in virtual time. `play` gives it all that came from outside."""

    def __init__(self, past: Past, bus: Bus, stamp: Stamp, tasks: asyncio.TaskGroup) -> None:
        self.guessed: list[str] = []
        """What the record had no answer to."""
        self._past = past
        self._bus = bus
        self._stamp = stamp
        self._tasks = tasks
        self._working: dict[asyncio.Task[None], int] = {}
        self._utterance: SttStart | None = None
        self._final: asyncio.Task[None] | None = None
        self._speaker = Speaker(bus, stamp, past.device_ns)

    def begin(self) -> list[asyncio.Task[None]]:
        """Take up the work; returns the tasks that go on until they are cancelled."""
        self._bus.on_fence(self._fenced)
        kinds = (SttStart, SttFinish, SttCancel, ToolCall, LlmRequest, MemoryQuery, TtsRequest)
        heard = (TtsAudio, AudioPause, AudioResume, AudioStop)
        return [
            self._tasks.create_task(self._serve(self._subscribe(*kinds))),
            self._tasks.create_task(self._speaker.serve(self._subscribe(*heard))),
            self._tasks.create_task(self._speaker.play()),
        ]

    async def play(self) -> None:
        """Publish what came from outside, each at its time."""
        loop = asyncio.get_running_loop()
        for event in self._past.given:
            wait = (event.at - self._past.start) / 1e9 - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if isinstance(event, SttPartial):
                self._partial(event)
                continue
            if isinstance(event, AudioCaptured):
                self._speaker.captured(event)
            self._bus.publish(event)

    def _subscribe(self, *kinds: type[Any]) -> Subscription[Any]:
        return self._bus.subscribe(*kinds, name="cast", capacity=100_000)

    async def _serve(self, events: Subscription[Any]) -> None:
        async for event in events:
            match event:
                case SttStart():
                    self._utterance = event
                case SttCancel():
                    self._cancel()
                case SttFinish():
                    self._finish(event)
                case ToolCall():
                    self._start(event, self._call(event))
                case LlmRequest() if event.max_tokens:
                    self._start(event, self._generate(event))
                case MemoryQuery():
                    self._start(event, self._remember(event))
                case TtsRequest():
                    self._start(event, self._speak(event))

    def _start(self, event: Event, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._working[task] = event.turn if event.fenced else 1 << 60
        task.add_done_callback(self._working.pop)
        return task

    def _fenced(self, _: str, turn: int) -> None:
        for task, of in tuple(self._working.items()):
            if of < turn:
                task.cancel()

    def _say(self, asked: Event, like: Event, /, **changes: object) -> None:
        """Publish an event as it was recorded, with what is different now."""
        fields = {name: getattr(like, name) for name in type(like).model_fields if name not in _ENVELOPE}
        self._bus.publish(self._stamp(type(like), turn=asked.turn, session=asked.session, **{**fields, **changes}))

    async def _wait(self, until: int, begun: float) -> None:
        """Wait until `until` ns after `begun`."""
        wait = begun + until / 1e9 - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)

    # ---- recognition

    def _partial(self, event: SttPartial) -> None:
        start = self._utterance
        if start is not None and event.until_sample > start.from_sample:
            self._say(start, event, utterance=start.utterance)

    def _cancel(self) -> None:
        self._utterance = None
        if self._final is not None:
            self._final.cancel()

    def _finish(self, finish: SttFinish) -> None:
        start, self._utterance = self._utterance, None
        if start is not None:
            self._final = self._start(finish, self._recognise(start, finish))

    async def _recognise(self, start: SttStart, finish: SttFinish) -> None:
        heard = self._past.heard(start.from_sample, finish.until_sample)
        if heard.guessed:
            self.guessed.append(f"recognition of {heard.text!r}")
        await asyncio.sleep(heard.after / 1e9)
        final = self._stamp(
            SttFinal,
            utterance=start.utterance,
            text=heard.text,
            words=(),
            language=start.language,
            confidence=heard.confidence,
            trusted=heard.trusted,
            mode="dictation",
            others=heard.others,
            engine="record",
            start_sample=start.from_sample,
            until_sample=finish.until_sample,
            decode_ns=heard.after,
        )
        self._bus.publish(final)

    # ---- answers

    async def _call(self, call: ToolCall) -> None:
        begun = asyncio.get_running_loop().time()
        for timed in self._past.tools.next(tool_key(call)):
            await self._wait(timed.after, begun)
            self._say(call, timed.event)
            return
        self.guessed.append(f"the skills' answer to {call.name or call.sentence!r}")
        none: dict[str, Any] = {"outcome": "unmatched", "name": "", "speech": "", "data": {}, "action": "none"}
        self._bus.publish(self._stamp(ToolResult, language=call.language, **none))

    async def _remember(self, query: MemoryQuery) -> None:
        """Without an answer in the record there is none: dialogue does not wait for long."""
        begun = asyncio.get_running_loop().time()
        for timed in self._past.memory.next(query.text):
            await self._wait(timed.after, begun)
            self._say(query, timed.event, request=query.id)

    async def _generate(self, request: LlmRequest) -> None:
        begun, text = asyncio.get_running_loop().time(), ""
        answer = self._past.model.next(request.messages[-1].content)
        for timed in answer:
            await self._wait(timed.after, begun)
            self._say(request, timed.event, request=request.id)
            if isinstance(timed.event, LlmResponse | LlmFailed):
                return
            text += timed.event.text if isinstance(timed.event, LlmDelta) else ""
        self.guessed.append("what the model would have said" + (" further" if text else ""))
        if not text:
            told = "the record has no answer to this"
            self._bus.publish(self._stamp(LlmFailed, request=request.id, reason="engine", message=told))
            return
        rest: dict[str, Any] = {"finish": "stop", "tool_requests": (), "usage": NOTHING_USED, "model": "record"}
        self._bus.publish(self._stamp(LlmResponse, request=request.id, text=text, **rest))

    # ---- the voice

    async def _speak(self, request: TtsRequest) -> None:
        begun = asyncio.get_running_loop().time()
        for timed in self._past.sound(request.text) or self._spoken(request):
            await self._wait(timed.after, begun)
            self._say(request, timed.event, reply=request.reply, clause=request.clause)

    def _spoken(self, request: TtsRequest) -> Sequence[Timed]:
        """A clause that the record does not have, at the usual pace."""
        self.guessed.append(f"how {request.text.strip()!r} is spoken")
        each = _RATE // _CHARS_PER_SECOND
        marks = tuple(
            WordMark(
                start=word.start(), end=word.end(), first_sample=word.start() * each, until_sample=word.end() * each
            )
            for word in re.finditer(r"\w\S*", request.text)
        )
        samples = len(request.text) * each
        place: dict[str, Any] = {"reply": request.reply, "clause": request.clause, "rate": _RATE}
        sound = self._stamp(TtsAudio, first_sample=0, marks=marks, last=True, pcm=bytes(2 * samples), **place)
        done = self._stamp(TtsFinished, samples=samples, engine="record", synthesis_ns=0, **place)
        return Timed(_FIRST_SOUND_NS, sound), Timed(_FIRST_SOUND_NS, done)
