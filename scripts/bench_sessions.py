"""What a conversation costs: 200 that are idle and 20 in which somebody talks, all in one process.

Dialogue, skills, the voice (espeak-ng) and the bus are the real ones, each one service for all sessions. Each person is
a scripted microphone of 50 frames a second, a recogniser that knows what was asked, and a speaker that plays in real
time; who talks asks again as soon as the answer was heard. The idle ones have been talked to once, by keyboard.

Printed are memory and processor time for each session, and how many events and bytes of sound a turn has that would
cross to other processes, were skills and voice there: with the cost of one event (`scripts/bench_redis.py`) that is the
cost beyond one machine.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bus import Bus
from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from services.contract import Context
from services.dialogue import DialogueService, DialogueSettings
from services.models import ModelsSettings, Store
from services.skills import SkillsService, SkillsSettings
from services.supervisor import Child, Supervisor
from services.tts import TtsService, TtsSettings
from shared.clock import SystemClock
from shared.events import (
    AudioCaptured,
    AudioPlayed,
    Event,
    ServiceReady,
    SessionOpened,
    SpeechEnded,
    SpeechStarted,
    Stamp,
    SttFinal,
    SttFinish,
    TextEntered,
    ToolCall,
    ToolResult,
    TtsAudio,
    TtsFinished,
    TtsRequest,
    TurnFinished,
)
from shared.ids import id_source
from shared.logs import configure
from shared.pcm import CAPTURE_RATE

IDLE, TALKING = 200, 20
QUESTION = "how many miles is ten kilometers"
CROSSES = (ToolCall, ToolResult, TtsRequest, TtsAudio, TtsFinished)
"""What goes to and fro between a conversation and those who work for it."""
MOST_MIB = 256
_FRAME = CAPTURE_RATE // 50
_ASKING = 50
"""Frames in which somebody speaks."""


class Understanding:
    """A recogniser that knows what was asked."""

    name: ClassVar[str] = "stt"
    consumes: ClassVar[tuple[type[Event], ...]] = (SttFinish,)

    async def run(self, ctx: Context) -> None:
        """Answer until cancelled."""
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, SttFinish)
            ctx.emit(SttFinal, utterance=event.utterance, text=QUESTION, until_sample=event.until_sample, **_UNDERSTOOD)


_UNDERSTOOD: dict[str, Any] = {
    "words": (),
    "language": "en",
    "confidence": 0.9,
    "trusted": True,
    "mode": "dictation",
    "engine": "script",
    "start_sample": 0,
    "decode_ns": 1,
}


@dataclass
class Clause:
    """What the speaker has of a clause."""

    event: TtsAudio
    received: int = 0
    played: int = 0


@dataclass
class Person:
    """Who talks, with a microphone and a speaker."""

    bus: Bus
    stamp: Stamp
    session: str
    position: int = 0
    finished: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from the last voiced sample to the first of the answer."""
    clauses: list[Clause] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked_at: float = 0.0

    def publish(self, kind: type[Event], **fields: Any) -> None:
        """In this session."""
        self.bus.publish(self.stamp(kind, session=self.session, **fields))

    def saw(self, event: Event) -> None:
        """What concerns this session."""
        if isinstance(event, TtsAudio):
            if not self.clauses and self.asked_at:
                self.waits.append(time.perf_counter() - self.asked_at)
                self.asked_at = 0.0
            last = self.clauses[-1] if self.clauses else None
            if last is None or (last.event.reply, last.event.clause) != (event.reply, event.clause):
                last = Clause(event)
                self.clauses.append(last)
            last.event, last.received = event, last.received + len(event.pcm) // 2
        elif isinstance(event, TurnFinished):
            self.finished += 1
            self.clauses.clear()
            self.over.set()

    async def live(self, *, later_s: float) -> None:
        """Ask, listen to the answer, and ask again."""
        await asyncio.sleep(later_s)
        sounding = asyncio.create_task(self.sound())
        try:
            while True:
                await self.ask()
        finally:
            sounding.cancel()

    async def ask(self) -> None:
        """One turn."""
        self.over.clear()
        first = self.position
        await asyncio.sleep(0.06)
        self.publish(SpeechStarted, sample=first, noticed_sample=self.position, probability=0.9)
        while self.position < first + _ASKING * _FRAME:  # noqa: ASYNC110 (the clock is the sound)
            await asyncio.sleep(0.02)
        self.asked_at = time.perf_counter()
        self.publish(SpeechEnded, start_sample=first, sample=self.position - _FRAME, noticed_sample=self.position)
        await self.over.wait()

    async def sound(self) -> None:
        """Capture and play 20 ms at a time."""
        odd, due = False, asyncio.get_running_loop().time()
        while True:
            due += 0.02
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            first, self.position = self.position, self.position + _FRAME
            self.publish(AudioCaptured, first_sample=first, rate=CAPTURE_RATE, pcm=bytes(2 * _FRAME))
            odd = not odd
            playing = next((one for one in self.clauses if one.played < one.received), None)
            if playing is not None:
                self.play(playing, report=odd)

    def play(self, clause: Clause, *, report: bool) -> None:
        """20 ms of it."""
        event = clause.event
        clause.played = min(clause.received, clause.played + event.rate // 50)
        ended = event.last and clause.played == clause.received
        if report or ended:
            self.publish(
                AudioPlayed,
                turn=event.turn,
                reply=event.reply,
                clause=event.clause,
                until_sample=clause.played,
                rate=event.rate,
                capture_sample=self.position,
                ended=ended,
            )


@dataclass
class House:
    """All sessions of the process."""

    bus: Bus
    stamp: Stamp
    people: dict[str, Person] = field(default_factory=dict)
    crossing: Counter[str] = field(default_factory=Counter)
    sound_bytes: int = 0
    ready: set[str] = field(default_factory=set)

    def saw(self, event: Event) -> None:
        """Every event of the bus."""
        if isinstance(event, ServiceReady):
            self.ready.add(event.service)
        if isinstance(event, CROSSES):
            self.crossing[event.kind] += 1
            self.sound_bytes += len(event.pcm) if isinstance(event, TtsAudio) else 0
        person = self.people.get(event.session)
        if person is not None:
            person.saw(event)

    def open(self, session: str) -> Person:
        """One more conversation."""
        person = self.people[session] = Person(self.bus, self.stamp, session)
        person.publish(SessionOpened, over="voice", language="en")
        return person

    async def idle(self, count: int) -> None:
        """So many conversations, in each of which something was asked once."""
        for number in range(count):
            person = self.open(f"idle{number}")
            person.publish(TextEntered, text=QUESTION, speak=False)
            await person.over.wait()


def used_mib() -> float:
    """Memory of this process that no other one shares."""
    gc.collect()
    return float(psutil.Process().memory_full_info().uss) / (1 << 20)


async def measured(folder: Path, idle: int, talking: int, seconds: float) -> list[Figure]:
    """Everything, in one run."""
    clock, ids = SystemClock(), id_source("b-")
    bus = Bus(clock=clock, ids=ids)
    house = House(bus, Stamp("person", clock, ids, ""))
    bus.tap(house.saw)
    dialogue = DialogueService(DialogueSettings())
    skills = SkillsSettings(alarms_file=folder / "alarms.json", languages=("en",))
    store = Store(ModelsSettings(folder=folder / "models"))
    children = [
        Child(DialogueService, lambda: dialogue),
        Child(SkillsService, lambda: SkillsService(skills)),
        Child(TtsService, lambda: TtsService(TtsSettings(engine="espeak-ng"), store)),
        Child(Understanding),
    ]
    async with Supervisor(bus, clock, ids, "house", children):
        while not {"dialogue", "skills", "tts", "stt"} <= house.ready:  # noqa: ASYNC110 (they load on threads)
            await asyncio.sleep(0.05)
        await house.idle(1)  # what is loaded at the first turn is nobody's
        empty = used_mib()
        await house.idle(idle)
        with_idle = used_mib()
        resting = await rested(seconds / 4)
        house.crossing.clear()
        house.sound_bytes = 0
        people = [house.open(f"talking{number}") for number in range(talking)]
        lives = [asyncio.create_task(one.live(later_s=0.1 * number)) for number, one in enumerate(people)]
        busy = await rested(seconds)
        with_all = used_mib()
        for life in lives:
            life.cancel()
        turns = sum(person.finished for person in people)
        waits = [wait for person in people for wait in person.waits]
        return [
            plain("memory without conversations", empty, "MiB"),
            plain("memory of an idle conversation", (with_idle - empty) * 1024 / idle, "KiB"),
            plain("memory of a conversation with sound", (with_all - with_idle) * 1024 / talking, "KiB"),
            at_most(f"memory with {idle} idle and {talking} talking", with_all, "MiB", MOST_MIB),
            plain(f"processor, {idle} idle", 100 * max(0.0, resting), "%"),
            plain("processor of a conversation that talks", 1000 * (busy - resting) / talking, "ms/s"),
            at_most(f"processor, {idle} idle and {talking} talking", 100 * busy, "%", 100),
            at_least("turns answered aloud", turns, "", talking),
            plain("last voiced sample to first of the answer, p50", 1000 * percentile(waits, 50), "ms"),
            plain("last voiced sample to first of the answer, p95", 1000 * percentile(waits, 95), "ms"),
            plain("events of a turn that would cross", sum(house.crossing.values()) / turns, ""),
            plain("sound of a turn that would cross", house.sound_bytes / 1024 / turns, "KiB"),
        ]


async def rested(seconds: float) -> float:
    """Let time go by; returns how many processors were at work meanwhile."""
    process = psutil.Process()
    before, began = process.cpu_times(), time.perf_counter()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.perf_counter() - began)


def figures(seconds: float) -> Iterator[Figure]:
    """Everything measured."""
    with tempfile.TemporaryDirectory(prefix="sotto-sessions-") as folder:
        yield from asyncio.run(measured(Path(folder), IDLE, TALKING, seconds))


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    options = parser(__doc__).parse_args()
    configure("error", "console")
    return report(figures(120.0 if options.full else 24.0), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
