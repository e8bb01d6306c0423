"""Summarising: a summary takes the place of the oldest turns when the language model cannot be told all of them.

The model that answers writes it, in the background, whenever nobody waits for it. Without one nothing is summarised,
and dialogue tells the newest turns alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from services.contract import Context
from services.memory.conversations import Conversations, Exchange
from services.memory.model import Model
from services.memory.settings import MemorySettings
from services.memory.words import content, coverage
from services.memory.worker import Worker
from shared.events import SessionSummarised
from shared.logs import get_logger

__all__ = ["Summarising"]

_LEAST = 4
"""Exchanges that are worth a summary."""
_LETTERS = 8000
"""Of the exchanges that one summary takes in; some 2,000 tokens."""
_TOKENS = 240
_SHARED = 0.25
_SHARED_WORDS = 2
"""Of the words of the notes, so many stand in what was said."""
_PATIENCE = 8
"""Exchanges after which a model that made nothing of a conversation is asked again."""
_INSTRUCTION = (
    "You keep the notes of a conversation between a user and their assistant. Write at most 120 words, in the language "
    "of the conversation, plain sentences without lists: what the user asked for and told, what was answered and "
    "agreed, and what is still open. Keep names, numbers and dates. Write nothing that was not said."
)
_log = get_logger("memory")


class Summarising:
    """`changes` counts what was forgotten: a summary made meanwhile may tell of it, and is thrown away."""

    def __init__(
        self,
        settings: MemorySettings,
        conversations: Conversations,
        writing: Worker,
        model: Model,
        changes: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._conversations = conversations
        self._writing = writing
        self._model = model
        self._changes = changes
        self._busy = asyncio.Lock()
        self._again: dict[str, int] = {}
        """Conversations of which the model made nothing: how long they are when it is asked once more."""

    async def consider(self, ctx: Context, session: str, name: str, *, outgrown: bool = False) -> None:
        """Summarise the conversation as far as it is too long; `outgrown` says that the model dropped some of it."""
        if not self._model.there or self._busy.locked() or not self._settings.summarise_turns:
            return
        async with self._busy:
            fresh = await self._writing.do(self._conversations.unsummarised, name)
            due = self._settings.summarise_turns if not outgrown else self._settings.keep_told_turns + _LEAST
            if len(fresh) < max(due, self._settings.keep_told_turns + _LEAST, self._again.get(name, 0)):
                return
            old = _fitting(fresh[: len(fresh) - self._settings.keep_told_turns])
            before = await self._writing.do(self._conversations.summary, name)
            seen = self._changes()
            said = "\n".join(f"User: {one.asked}\nAssistant: {one.heard}" for one in old)
            text = await self._written(ctx, session, before, said)
            if not text or seen != self._changes():
                return
            if not _tells_of(text, [before, *(f"{one.asked} {one.heard}" for one in old)]):
                self._again[name] = len(fresh) + _PATIENCE
                return
            numbers = [exchange.number for exchange in old]
            summary = await self._writing.do(self._conversations.summarise, name, text, max(numbers), numbers)
            if summary is not None:
                ctx.emit(SessionSummarised, session=session, turn=0, summary=summary)
                _log.info("a conversation was summarised", turns=len(summary.turns))

    async def _written(self, ctx: Context, session: str, before: str, said: str) -> str:
        """What the model makes of it; empty where it makes nothing."""
        earlier = f"Notes so far:\n{before}\n\n" if before else ""
        text = f"{earlier}The conversation:\n{said}\n\nThe notes, old and new in one:"
        notes, whole = await self._model.ask(ctx, session, _INSTRUCTION, text, tokens=_TOKENS)
        return notes if whole else notes[: max(notes.rfind(mark) for mark in ".!?") + 1]


def _tells_of(text: str, said: Sequence[str]) -> bool:
    """Whether notes are about what was said: a small model answers anything, and nothing would be left of the turns."""
    words = content(text)
    shared = coverage(words, "\n".join(said))
    return shared >= _SHARED and shared * len(words) >= _SHARED_WORDS


def _fitting(old: Sequence[Exchange]) -> list[Exchange]:
    """As many of the oldest as one request takes, at least one."""
    taken, left = list(old[:1]), _LETTERS - len(old[0].asked) - len(old[0].heard)
    for exchange in old[1:]:
        left -= len(exchange.asked) + len(exchange.heard)
        if left < 0:
            break
        taken.append(exchange)
    return taken
