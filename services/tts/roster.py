"""The roster: the engines that are loaded, each on a thread of its own, and which of them speaks a reply.

A reply keeps the engine that its first clause had, so that a voice never changes in the middle of an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from services.tts.port import Engine, TtsError
from services.tts.settings import TtsSettings
from services.tts.voices import BUILT_IN, Voices
from shared.installed import InstalledModel

__all__ = ["MakeVoice", "Roster", "Seat"]

MakeVoice = Callable[[InstalledModel, TtsSettings], Engine]
"""Loads a pulled voice; blocks. Raises TtsError when its files cannot be used."""

_PINNED: Final = 16
"""Unfinished replies whose engine is remembered."""


@dataclass(slots=True)
class Seat:
    """An engine and the thread that is its own, which ends when nobody holds the seat."""

    engine: Engine
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="speech"))


class Roster:
    """See the module. espeak-ng is always there once opened. Belongs to the event loop."""

    def __init__(
        self, settings: TtsSettings, voices: Voices, *, built_in: Callable[[], Engine], make_voice: MakeVoice
    ) -> None:
        self._settings = settings
        self._voices = voices
        self._make_built_in = built_in
        self._make_voice = make_voice
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="voice-loader")
        self._seats: dict[str, Seat] = {}
        self._pinned: dict[tuple[str, str], Seat] = {}

    async def open(self) -> Seat:
        """Load the built-in engine and return its seat."""
        loop = asyncio.get_running_loop()
        seat = self._seats[BUILT_IN] = Seat(await loop.run_in_executor(self._loader, self._make_built_in))
        return seat

    def close(self) -> None:
        """Let every thread end after what it does now."""
        self._loader.shutdown(wait=False, cancel_futures=True)
        for seat in self._seats.values():
            seat.thread.shutdown(wait=False, cancel_futures=True)

    @property
    def built_in(self) -> Seat:
        """The seat of espeak-ng."""
        return self._seats[BUILT_IN]

    def seat(self, session: str, reply: str, language: str, voice: str) -> Seat:
        """Return who speaks the next clause of a reply: as before, or for a new reply the best that is loaded."""
        seat = self._pinned.pop((session, reply), None)
        if seat is None:
            best = self._voices.best(language, voice)
            seat = self.built_in if best is None else self._seats.get(best.name, self.built_in)
        self._pinned[session, reply] = seat
        if len(self._pinned) > _PINNED:
            del self._pinned[next(iter(self._pinned))]
        return seat

    def forget(self, session: str, reply: str) -> None:
        """The reply is over: let go of its engine."""
        self._pinned.pop((session, reply), None)

    def loaded(self, name: str) -> Engine | None:
        """Return the engine of a voice that is loaded."""
        seat = self._seats.get(name)
        return None if seat is None else seat.engine

    async def load(self, model: InstalledModel) -> Engine:
        """Load a voice beside the ones in use, again if it is loaded already. Raises TtsError if it cannot be used."""
        loop = asyncio.get_running_loop()
        try:
            engine = await loop.run_in_executor(self._loader, self._make_voice, model, self._settings)
        except TtsError:
            self.refuse(model.name)
            raise
        self._seats[model.name] = Seat(engine)
        return engine

    def refuse(self, name: str) -> None:
        """Speak nothing more with a voice, and do not use it until it is pulled or asked for anew."""
        self._voices.refuse(name)
        seat = self._seats.pop(name, None)
        self._pinned = {reply: s for reply, s in self._pinned.items() if s is not seat}

    def surplus(self) -> tuple[str, ...]:
        """Let go of loaded voices that are no longer the best of a language they speak; returns their names."""
        gone = tuple(self._seats.keys() - self._voices.serving() - {BUILT_IN})
        for name in gone:
            del self._seats[name]
        return gone
