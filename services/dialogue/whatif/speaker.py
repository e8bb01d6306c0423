"""A speaker in virtual time: plays what it is given, obeys pause, resume and stop, and reports how far it got."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bus import Bus, Subscription
from services.dialogue.latency import Capture
from shared.events import AudioCaptured, AudioPause, AudioPlayed, AudioResume, AudioStop, Event, Stamp, TtsAudio

__all__ = ["Speaker"]

_TICK_S = 0.02
_TICKS = 2
"""Ticks between reports."""


@dataclass(slots=True)
class _Clause:
    event: TtsAudio
    """Its first piece."""
    came: float
    """When that came, on the loop's clock."""
    received: int = 0
    whole: bool = False
    began: float | None = None
    """When its first sample was (or would have been) played; None while it waits."""
    position: int = 0
    ended: bool = False


class Speaker:
    """See the module. `device_ns` is how long samples are under way to the ear."""

    def __init__(self, bus: Bus, stamp: Stamp, device_ns: int) -> None:
        self._bus = bus
        self._stamp = stamp
        self._device_s = device_ns / 1e9
        self._clauses: list[_Clause] = []
        self._paused: set[str] = set()
        self._stopped: set[str] = set()
        self._capture: Capture | None = None
        self._captured_s = 0.0

    def captured(self, frame: AudioCaptured) -> None:
        """The capture clock moved."""
        self._capture = Capture(frame.first_sample + len(frame.pcm) // 2, frame.at, frame.rate)
        self._captured_s = asyncio.get_running_loop().time()

    async def serve(self, events: Subscription[Event]) -> None:
        """Obey."""
        async for event in events:
            if isinstance(event, TtsAudio):
                self._take(event)
            elif isinstance(event, AudioPause):
                self._report_of(event.reply)
                self._paused.add(event.reply)
            elif isinstance(event, AudioResume):
                self._resume(event)
            elif isinstance(event, AudioStop):
                for reply in {event.reply} if event.reply else {c.event.reply for c in self._clauses}:
                    self._report_of(reply)
                    self._stopped.add(reply)

    async def play(self) -> None:
        """Play for ever."""
        ticks, free = 0, 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            ticks += 1
            clause = self._current()
            if clause is None:
                free = asyncio.get_running_loop().time()
                continue
            before = clause.position
            self._move(clause, free)
            if clause.ended or (clause.position > before and ticks % _TICKS == 0):
                self._report(clause)
            if clause.ended and clause.began is not None:
                free = clause.began + clause.received / clause.event.rate

    def _take(self, event: TtsAudio) -> None:
        key = (event.reply, event.clause)
        clause = next((c for c in self._clauses if (c.event.reply, c.event.clause) == key), None)
        if clause is None:
            clause = _Clause(event, asyncio.get_running_loop().time())
            self._clauses.append(clause)
        clause.received += len(event.pcm) // 2
        clause.whole = event.last

    def _current(self) -> _Clause | None:
        """What is being played; a reply that was stopped is not, and one that is paused holds up the others."""
        clause = next((c for c in self._clauses if not c.ended and c.event.reply not in self._stopped), None)
        return None if clause is None or clause.event.reply in self._paused else clause

    def _move(self, clause: _Clause, free: float) -> None:
        now = asyncio.get_running_loop().time()
        if clause.began is None:
            clause.began = max(free, clause.came + self._device_s)
        position = int((now - clause.began) * clause.event.rate)
        if position > clause.received and not clause.whole:  # it waits for more
            clause.began = now - clause.received / clause.event.rate
        clause.position = max(clause.position, min(position, clause.received))
        clause.ended = clause.whole and clause.position >= clause.received

    def _resume(self, event: AudioResume) -> None:
        self._paused.discard(event.reply)
        now = asyncio.get_running_loop().time()
        for clause in self._clauses:
            if (clause.event.reply, clause.event.clause) == (event.reply, event.clause) and not clause.ended:
                clause.position = event.from_sample
                clause.began = now - event.from_sample / clause.event.rate

    def _report_of(self, reply: str) -> None:
        for clause in self._clauses:
            if clause.event.reply == reply and clause.position and not clause.ended and reply not in self._paused:
                self._report(clause)

    def _report(self, clause: _Clause) -> None:
        event, sample = clause.event, 0
        if self._capture is not None:
            passed = asyncio.get_running_loop().time() - self._captured_s
            sample = self._capture.sample + int(passed * self._capture.rate)
        played = self._stamp(
            AudioPlayed,
            session=event.session,
            turn=event.turn,
            reply=event.reply,
            clause=event.clause,
            until_sample=clause.position,
            rate=event.rate,
            capture_sample=sample,
            ended=clause.ended,
        )
        self._bus.publish(played)
