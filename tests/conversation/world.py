"""A world around the real dialogue and the real bus: a person, a room, and engines that follow a script.

Everything here is the outside of dialogue. Speaker and recogniser keep their own account of what truly sounded, from
no information of dialogue's, so that what dialogue believes can be compared with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
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
    ServiceFailed,
    SessionOpened,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    TextEntered,
    ToolSpec,
    TtsAudio,
    TtsRequest,
    WakeDetected,
    WordMark,
)
from shared.ids import id_source
from tests.conversation.engines import FRAME, Break, Engines, Script, Sound, spelled, together

RATE = 16_000
WORD = 4_800
"""Samples of a word that the person says."""
EPOCH = 1_790_000_000_000_000_000


class LoopClock:
    """The event loop's own time, virtual under looptime."""

    def now_ns(self) -> int:
        return EPOCH + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)


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
    reported: int = 0
    """How far the world knows that it was played."""
    ended: bool = False


@dataclass
class World:
    """See the module. Times in seconds of the loop, positions in samples of the room's microphone."""

    bench: Bench
    service: DialogueService
    language: str
    breaks: Break
    """Breaks engines."""
    microphone: bool = True
    position: int = 0
    sounds: list[Sound] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    spoken_after_fence: list[str] = field(default_factory=list)
    _texts: dict[tuple[str, int], str] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _frame: asyncio.Event = field(default_factory=asyncio.Event)

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
        """Listen until these words of some answer have been played, and were reported."""
        while words.split() != self._reported_words()[-len(words.split()) :]:
            self._heard.clear()
            await self._heard.wait()

    def played_words(self, turn: int | None = None) -> list[str]:
        """The words whose last sample left the speaker, in the order of the answers."""
        tracks = [t for t in self.tracks if turn in (None, t.turn)]
        return [t.text[m.start : m.end] for t in tracks for m in t.marks if m.until_sample <= t.furthest]

    def _reported_words(self) -> list[str]:
        return [t.text[m.start : m.end] for t in self.tracks for m in t.marks if m.until_sample <= t.reported]

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
            await self._frame.wait()

    # ---- the room

    async def run_microphone(self) -> None:
        """Publish 20 ms frames and count them; what a busy machine delayed follows at once, as from a sound card."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await asyncio.sleep(0.02 if loop.time() < due + 0.02 else 0)
            due += 0.02
            if self.microphone:
                first, self.position = self.position, self.position + FRAME
                self.bench.publish(AudioCaptured, first_sample=first, rate=RATE, pcm=spelled(self.sounds, first))
                self._frame.set()
                self._frame.clear()

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
        track.reported = track.furthest
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

    def see(self, event: Event) -> None:
        """What is being said is known to who watches."""
        if isinstance(event, TtsRequest):
            self._texts[event.reply, event.clause] = event.text

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

    def subscribe(self, *kinds: type[Any]) -> Subscription[Any]:
        """Events for one scripted engine."""
        return self.bench.bus.subscribe(*kinds, capacity=10_000, overflow=Overflow.FAIL)


@contextlib.asynccontextmanager
async def world(
    *,
    language: str = "en",
    settings: dict[str, Any] | None = None,
    tools: tuple[ToolSpec, ...] = (),
    begin: Callable[[Bus, DialogueService], None] = lambda *_: None,
    engines: Engines = together,
    **script: Any,
) -> AsyncIterator[World]:
    """The real dialogue in a scripted world. `begin` is called before anything is; `script` is for the engines.

    With the engines in this process it must be used under looptime.
    """
    clock = LoopClock()
    service = DialogueService(DialogueSettings(**(settings or {})))
    bus = Bus(clock=clock, ids=id_source("bus-"))
    begin(bus, service)
    playing = Script(language, **script)
    async with running(service, bus=bus, clock=clock) as bench, engines(bus, clock, playing) as breaks:
        here = World(bench, service, language, breaks)
        unwatch = bus.tap(here.see)
        async with asyncio.TaskGroup() as tasks:
            work = [
                here.run_microphone(),
                here.run_speaker(),
                here.serve_speaker(here.subscribe(TtsAudio, AudioPause, AudioResume, AudioStop)),
            ]
            going = [tasks.create_task(coroutine) for coroutine in work]
            bench.publish(SessionOpened, over="voice", language=language)
            bench.publish(SkillsRegistered, sentences={}, tools=tools)
            yield here
            for task in going:
                task.cancel()
        unwatch()
