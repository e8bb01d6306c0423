"""A world on virtual time around the real dialogue and the real bus: a person, a room, engines that follow a script.

Everything here is the outside of dialogue. Speaker and recogniser keep their own account of what truly sounded, from
no information of dialogue's, so that what dialogue believes can be compared with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from bus import Bus, Overflow, Subscription
from services.dialogue import DialogueService, DialogueSettings
from services.testing import Bench, running
from shared.events import (
    AlarmRang,
    AudioCaptured,
    AudioPause,
    AudioPlayed,
    AudioResume,
    AudioStop,
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    ServiceCrashed,
    ServiceFailed,
    SessionOpened,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttCancel,
    SttFailed,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
    TextEntered,
    ToolCall,
    ToolRequest,
    ToolResult,
    ToolSpec,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    Usage,
    WakeDetected,
    WordMark,
)
from shared.ids import id_source

RATE = 16_000
FRAME = 320
WORD = 4_800
"""Samples of a word that the person says."""
VOICE_RATE = 22_050
EPOCH = 1_790_000_000_000_000_000


class LoopClock:
    """The event loop's own time, virtual under looptime."""

    def now_ns(self) -> int:
        return EPOCH + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)


@dataclass
class Sound:
    """Something a person did with their voice: words (or none, a cough) between two samples."""

    first: int
    until: int
    word: str
    trusted: bool = True


@dataclass
class Track:
    """One clause inside the speaker."""

    reply: str
    clause: int
    turn: int
    rate: int
    received: int = 0
    whole: bool = False
    marks: list[WordMark] = field(default_factory=list)
    text: str = ""
    position: int = 0
    furthest: int = 0
    ended: bool = False


@dataclass
class World:
    """See the module. Times in seconds of the loop, positions in samples of the room's microphone."""

    bench: Bench
    service: DialogueService
    language: str
    skills: dict[str, Any]
    model: dict[str, Any]
    broken: dict[str, str]
    """By engine (stt, skills, llm, tts): `fails` or `silent`, for its next request only."""
    delays: Callable[[], float] = lambda: 0.0
    """Seconds by which an engine's next answer is late."""
    microphone: bool = True
    position: int = 0
    sounds: list[Sound] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    spoken_after_fence: list[str] = field(default_factory=list)
    ids: Callable[[], str] = field(default_factory=lambda: id_source("sound-"))
    _working: dict[asyncio.Task[None], int] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: asyncio.TaskGroup | None = None

    # ---- the person

    async def say(self, words: str, *, trusted: bool = True) -> None:
        """Speak, a word each 300 ms; `(0.7)` among the words is a pause of that many seconds."""
        runs: list[list[str]] = [[]]
        for word in words.split():
            pause = re.fullmatch(r"\((\d+(?:\.\d+)?)\)", word)
            if pause is None:
                runs[-1].append(word)
                continue
            await self._utter(runs.pop(), trusted=trusted)
            await self.pass_by(float(pause[1]))
            runs.append([])
        await self._utter(runs.pop(), trusted=trusted)

    async def cough(self, seconds: float) -> None:
        """Make a sound without words."""
        await self._voice([Sound(self.position, self.position + int(seconds * RATE), "")])

    async def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        await asyncio.sleep(seconds)

    async def hear(self, words: str) -> None:
        """Listen until these words of some answer have been played."""
        while words.split() != self.played_words()[-len(words.split()) :]:
            self._heard.clear()
            await self._heard.wait()

    def played_words(self, turn: int | None = None) -> list[str]:
        """The words whose last sample left the speaker, in the order of the answers."""
        tracks = [t for t in self.tracks if turn in (None, t.turn)]
        return [t.text[m.start : m.end] for t in tracks for m in t.marks if m.until_sample <= t.furthest]

    async def _utter(self, words: list[str], *, trusted: bool) -> None:
        if words:
            start = self.position
            await self._voice(
                [Sound(start + i * WORD, start + (i + 1) * WORD, word, trusted) for i, word in enumerate(words)]
            )

    async def _voice(self, sounds: list[Sound]) -> None:
        self.sounds += sounds
        first, until = sounds[0].first, sounds[-1].until
        await self._until(first + RATE * 60 // 1000)
        self.bench.publish(SpeechStarted, sample=first, noticed_sample=self.position, probability=0.9)
        await self._until(until + RATE * 100 // 1000)
        self.bench.publish(SpeechEnded, start_sample=first, sample=until, noticed_sample=self.position)

    async def _until(self, sample: int) -> None:
        while self.position < sample:
            await asyncio.sleep(0.02)

    # ---- the room

    async def run_microphone(self) -> None:
        """Publish 20 ms frames and count them."""
        while True:
            await asyncio.sleep(0.02)
            if self.microphone:
                first, self.position = self.position, self.position + FRAME
                self.bench.publish(AudioCaptured, first_sample=first, rate=RATE, pcm=bytes(2 * FRAME))

    async def run_speaker(self) -> None:
        """Play the clauses in their order, 20 ms at a time, and report every 40 ms."""
        odd = False
        while True:
            await asyncio.sleep(0.02)
            odd = not odd
            track = next((t for t in self.tracks if not t.ended and t.reply not in self.stopped), None)
            if track is None or track.reply in self.paused:
                continue
            track.position = min(track.received, track.position + track.rate // 50)
            track.furthest = max(track.furthest, track.position)
            track.ended = track.whole and track.position == track.received
            if track.turn < self.bench.bus.fenced_turn("test"):
                self.spoken_after_fence.append(f"{track.reply}/{track.clause}")
            if odd or track.ended:
                self._report(track)
            self._heard.set()

    def _report(self, track: Track) -> None:
        self.bench.publish(
            AudioPlayed,
            turn=track.turn,
            reply=track.reply,
            clause=track.clause,
            until_sample=track.position,
            rate=track.rate,
            capture_sample=self.position,
            ended=track.ended,
        )

    async def serve_speaker(self, events: Subscription[Event]) -> None:
        """Obey what is asked of the speaker."""
        async for event in events:
            if isinstance(event, TtsAudio):
                track = self._track(event)
                track.received += len(event.pcm) // 2
                track.marks += event.marks
                track.whole = event.last
            elif isinstance(event, AudioPause):
                self.paused.add(event.reply)
                self._report_place(event.reply)
            elif isinstance(event, AudioResume):
                self.paused.discard(event.reply)
                for track in self.tracks:
                    if (track.reply, track.clause) == (event.reply, event.clause) and not track.ended:
                        track.position = event.from_sample
            elif isinstance(event, AudioStop):
                for reply in {event.reply} if event.reply else {t.reply for t in self.tracks}:
                    if reply not in self.stopped | self.paused:
                        self._report_place(reply)
                    self.stopped.add(reply)

    def _report_place(self, reply: str) -> None:
        for track in self.tracks:
            if track.reply == reply and track.furthest and not track.ended:
                self._report(track)

    def _track(self, event: TtsAudio) -> Track:
        for track in self.tracks:
            if (track.reply, track.clause) == (event.reply, event.clause):
                return track
        track = Track(event.reply, event.clause, event.turn, event.rate, text=self._texts[event.reply, event.clause])
        self.tracks.append(track)
        return track

    # ---- engines

    _texts: dict[tuple[str, int], str] = field(default_factory=dict)

    async def serve_recogniser(self, events: Subscription[Event]) -> None:
        """Understand each word once it was said; the text of an utterance is what was said between its ends."""
        streams: dict[str, asyncio.Task[None]] = {}
        starts: dict[str, SttStart] = {}
        async for event in events:
            if isinstance(event, SttStart):
                starts[event.utterance] = event
                streams[event.utterance] = self._start(event, self._understand(event))
            elif isinstance(event, SttFinish):
                streams.pop(event.utterance).cancel()
                self._start(event, self._transcribe(starts[event.utterance], event))
            elif isinstance(event, SttCancel) and event.utterance in streams:
                streams.pop(event.utterance).cancel()

    async def _understand(self, start: SttStart) -> None:
        said = ""
        while True:
            await asyncio.sleep(0.2)
            sounds = self._sounds(start.from_sample, self.position - 3200)
            text = " ".join(s.word for s in sounds if s.word)
            if text != said:
                said = text
                self._partial(start, text, 0.8 if all(s.trusted for s in sounds) else 0.2)

    def _partial(self, start: SttStart, text: str, confidence: float) -> None:
        self.bench.publish(
            SttPartial,
            turn=start.turn,
            utterance=start.utterance,
            text=text,
            stable="",
            until_sample=self.position,
            language=self.language,
            confidence=confidence,
            engine="script",
        )

    async def _transcribe(self, start: SttStart, finish: SttFinish) -> None:
        broken = self.broken.pop("stt", "")
        if broken == "crashes":
            self.bench.publish(ServiceCrashed, turn=0, service="stt", error="SIGSEGV", handling=finish.id)
            return
        await asyncio.sleep(0.12 + self.delays())
        if broken == "fails":
            self.bench.publish(
                SttFailed, turn=finish.turn, utterance=finish.utterance, engine="script", reason="it broke"
            )
        elif not broken:
            sounds = self._sounds(start.from_sample, finish.until_sample)
            self.bench.publish(
                SttFinal,
                turn=finish.turn,
                utterance=finish.utterance,
                text=" ".join(s.word for s in sounds if s.word),
                words=(),
                language=self.language,
                confidence=0.9,
                trusted=all(s.trusted for s in sounds),
                mode="dictation",
                engine="script",
                start_sample=start.from_sample,
                until_sample=finish.until_sample,
                decode_ns=120_000_000,
            )

    def _sounds(self, first: int, until: int) -> list[Sound]:
        return [s for s in self.sounds if first <= s.first and s.until <= until]

    async def serve_skills(self, events: Subscription[ToolCall]) -> None:
        """Answer from the script; what is not in it is unmatched."""
        async for event in events:
            await asyncio.sleep(self.delays())
            broken = self.broken.pop("skills", "")
            if broken == "crashes":
                self.bench.publish(ServiceCrashed, turn=0, service="skills", error="KeyError", handling=event.id)
            if broken:
                continue
            known = self.skills.get(event.name or event.sentence.lower().rstrip(".?!"))
            fields = {"speech": known} if isinstance(known, str) else dict(known or {})
            self.bench.publish(
                ToolResult,
                turn=event.turn,
                outcome="unmatched" if known is None else fields.get("outcome", "answered"),
                name=fields.get("name", "skill"),
                speech=fields.get("speech", ""),
                data=fields.get("data", {}),
                action=fields.get("action", "none"),
                language=self.language,
            )

    async def serve_model(self, events: Subscription[LlmRequest]) -> None:
        """Answer the last message from the script, token by token."""
        async for event in events:
            self._start(event, self._generate(event))

    async def _generate(self, request: LlmRequest) -> None:
        broken = self.broken.pop("llm", "")
        await asyncio.sleep(0.3 + self.delays())
        if broken == "silent":
            return
        if broken == "crashes":
            self.bench.publish(ServiceCrashed, turn=0, service="llm", error="MemoryError", handling=request.id)
            return
        if broken in ("fails", "no-model", "too-long"):
            reason = "engine" if broken == "fails" else broken
            self.bench.publish(LlmFailed, turn=request.turn, request=request.id, reason=reason, message="a sentence")
            return
        last = request.messages[-1]
        answer = self.model[last.content if last.role == "tool" else last.content.rpartition("\n")[2]]
        text = answer if isinstance(answer, str) else ""
        for index, token in enumerate(re.findall(r"\s*\S+", text)):
            await asyncio.sleep(0.03 + self.delays())
            if broken == "breaks" and index == 8:
                self.bench.publish(ServiceCrashed, turn=0, service="llm", error="MemoryError", handling=request.id)
                return
            self.bench.publish(LlmDelta, turn=request.turn, request=request.id, index=index, text=token)
        tools = () if isinstance(answer, str) else (ToolRequest(id="t1", **answer),)
        self.bench.publish(
            LlmResponse,
            turn=request.turn,
            request=request.id,
            text=text,
            finish="tool" if tools else "stop",
            tool_requests=tools,
            usage=Usage(
                prompt_tokens=1,
                cached_tokens=0,
                completion_tokens=1,
                dropped_messages=0,
                queue_ns=1_000_000,
                prefill_ns=0,
                decode_ns=0,
            ),
            model="script",
        )

    async def serve_voice(self, events: Subscription[TtsRequest]) -> None:
        """Speak the clauses one after the other, a word each 250 ms with 50 ms of silence after it."""
        async for event in events:
            self._texts[event.reply, event.clause] = event.text
            broken = self.broken.get("tts", "")
            if broken == "fails-once":
                del self.broken["tts"]
            if broken:
                if broken != "silent":
                    self.bench.publish(
                        TtsFailed,
                        turn=event.turn,
                        reply=event.reply,
                        clause=event.clause,
                        engine="script",
                        reason="it broke",
                    )
                continue
            with contextlib.suppress(asyncio.CancelledError):
                await self._start(event, self._speak(event))

    async def _speak(self, request: TtsRequest) -> None:
        word, gap = VOICE_RATE // 4, VOICE_RATE // 20
        await asyncio.sleep(0.08 + self.delays())
        samples = 0
        spans = list(re.finditer(r"\w\S*", request.text))
        for index, span in enumerate(spans):
            mark = WordMark(start=span.start(), end=span.end(), first_sample=samples, until_sample=samples + word)
            self._piece(request, samples, (mark,), word + gap, last=index == len(spans) - 1)
            samples += word + gap
            await asyncio.sleep(0.01)
        self.bench.publish(
            TtsFinished,
            turn=request.turn,
            reply=request.reply,
            clause=request.clause,
            samples=samples,
            rate=VOICE_RATE,
            engine="script",
            synthesis_ns=1,
        )

    def _piece(self, request: TtsRequest, first: int, marks: tuple[WordMark, ...], count: int, *, last: bool) -> None:
        self.bench.publish(
            TtsAudio,
            turn=request.turn,
            reply=request.reply,
            clause=request.clause,
            first_sample=first,
            rate=VOICE_RATE,
            marks=marks,
            last=last,
            pcm=bytes(2 * count),
        )

    # ---- what happens by itself

    def ring(self, speech: str) -> None:
        """A timer is due."""
        self.bench.publish(AlarmRang, turn=0, alarm="timer", speech=speech, language=self.language, attempt=1)

    def type(self, text: str, *, speak: bool = False) -> None:
        """The person types."""
        self.bench.publish(TextEntered, text=text, speak=speak)

    def wake(self, phrase: str) -> None:
        """A wake word ends now."""
        self.bench.publish(WakeDetected, phrase=phrase, sample=self.position, score=0.9)

    def give_up(self, service: str) -> None:
        """The supervisor gives a service up."""
        self.bench.publish(ServiceFailed, service=service, error="it crashed", restarts=5)

    def _start(self, event: Event, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        task = self._tasks.create_task(work)
        self._working[task] = event.turn if event.fenced else 1 << 60
        task.add_done_callback(self._working.pop)
        return task

    def _fenced(self, _: str, turn: int) -> None:
        for task, of in tuple(self._working.items()):
            if of < turn:
                task.cancel()

    def subscribe(self, *kinds: type[Any]) -> Subscription[Any]:
        """Events for one scripted engine."""
        return self.bench.bus.subscribe(*kinds, capacity=10_000, overflow=Overflow.FAIL)


@contextlib.asynccontextmanager
async def world(
    *,
    language: str = "en",
    settings: dict[str, Any] | None = None,
    skills: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    broken: dict[str, str] | None = None,
    tools: tuple[ToolSpec, ...] = (),
    delays: Callable[[], float] = lambda: 0.0,
    begin: Callable[[Bus, DialogueService], None] = lambda *_: None,
) -> AsyncIterator[World]:
    """The real dialogue in a scripted world; it must be used under looptime. `begin` is called before anything is."""
    clock = LoopClock()
    service = DialogueService(DialogueSettings(**(settings or {})))
    bus = Bus(clock=clock, ids=id_source("bus-"))
    begin(bus, service)
    async with running(service, bus=bus, clock=clock) as bench:
        here = World(bench, service, language, skills or {}, model or {}, broken or {}, delays)
        unwatch = bench.bus.on_fence(here._fenced)
        async with asyncio.TaskGroup() as tasks:
            here._tasks = tasks
            work = [
                here.run_microphone(),
                here.run_speaker(),
                here.serve_speaker(here.subscribe(TtsAudio, AudioPause, AudioResume, AudioStop)),
                here.serve_recogniser(here.subscribe(SttStart, SttFinish, SttCancel)),
                here.serve_skills(here.subscribe(ToolCall)),
                here.serve_model(here.subscribe(LlmRequest)),
                here.serve_voice(here.subscribe(TtsRequest)),
            ]
            going = [tasks.create_task(coroutine) for coroutine in work]
            bench.publish(SessionOpened, over="voice", language=language)
            bench.publish(SkillsRegistered, sentences={}, tools=tools)
            yield here
            for task in (*going, *here._working):
                task.cancel()
        unwatch()
