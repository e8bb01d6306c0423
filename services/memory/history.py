"""History: what was said and heard goes to its conversation, and comes back when a session goes on with one."""

from __future__ import annotations

from collections.abc import Sequence

from services.contract import Context
from services.memory.conversations import Exchange
from services.memory.errors import MemoryDamaged, MemoryFull, NoConversation
from services.memory.focus import Focus
from services.memory.item import Item
from services.memory.keeping import as_exchange, as_turn
from services.memory.settings import MemorySettings
from services.memory.store import Store
from services.memory.summarising import Summarising
from services.memory.words import safe
from services.memory.worker import Worker
from shared.events import Event, LlmResponse, SessionCleared, SessionResume, SessionResumed, TurnFinished, TurnHeard
from shared.logs import get_logger

__all__ = ["History"]

_TOLD = 48
"""Turns that a resumed conversation begins with at most."""
_log = get_logger("memory")


class History:
    """`store` is used in `writing`. What cannot be written is said once in the log, and the conversation goes on."""

    def __init__(self, settings: MemorySettings, store: Store, writing: Worker, summarising: Summarising) -> None:
        self._settings = settings
        self._store = store
        self._conversations = store.conversations
        self._writing = writing
        self._summarising = summarising
        self._names: dict[str, str] = {}
        """Of the conversations that sessions go on with."""
        self._outgrown: set[str] = set()
        """Sessions of which the language model was not told all."""

    async def said(self, ctx: Context, event: TurnFinished, rests_on: Sequence[str]) -> None:
        """Keep the turn with its conversation, and see to it that this stays as long as can be told.

        `rests_on` are the ids of what the answer rested on.
        """
        exchange = as_exchange(event) if self._settings.conversations else None
        if exchange is None:
            return
        try:
            name = await self._writing.do(self._name, event.session)
            await self._writing.do(self._conversations.add, exchange, name, rests_on)
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("a turn was not kept", reason=str(error))
            return
        outgrown = event.session in self._outgrown
        self._outgrown.discard(event.session)
        work = self._summarise(ctx, event.session, name, outgrown=outgrown)
        ctx.tasks.create_task(work, name="memory:summary")

    async def heard(self, event: TurnHeard) -> None:
        """Tell a turn as far as it was heard after all."""
        try:
            await self._writing.do(self._conversations.heard, event.session, event.turn, safe(event.heard))
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("the end of a turn was not kept", reason=str(error))

    def told(self, response: LlmResponse) -> None:
        """The model answered: what it was not told of the conversation is worth a summary."""
        if response.turn and response.usage.dropped_messages:
            self._outgrown.add(response.session)

    async def resume(self, ctx: Context, event: SessionResume) -> None:
        """Tell what was said before, and keep what follows with it."""
        name, problem = event.name, ""
        try:
            if not event.begin:
                name = await self._writing.do(self._conversations.find, event.name)
            told, summary = await self._writing.do(self._conversations.told, name, _TOLD)
            await self._writing.do(self._conversations.enter, event.session, name)
            self._names[event.session] = name
        except (MemoryDamaged, MemoryFull, NoConversation) as error:
            told, summary, problem = [], None, str(error)
        turns = tuple(exchange.told() for exchange in told)
        ctx.emit(SessionResumed, name=name, turns=turns, summary=summary, problem=problem)

    async def recollect(self, session: str, focus: Focus, now: int, *, anywhere: bool = False) -> None:
        """Let "that" mean the last exchange of the session's conversation, where nothing was said in this process.

        `anywhere`: that of any conversation, where this one has just begun.
        """
        if focus.knows(session):
            return
        try:
            found = await self._writing.do(self._last, session, now, anywhere)
        except (MemoryDamaged, MemoryFull, NoConversation) as error:
            _log.info("nothing was said before", reason=str(error))
            return
        if found is not None:
            focus.recollect(session, *found)

    def _last(self, session: str, now: int, anywhere: bool) -> tuple[Exchange, list[Item], list[Item]] | None:
        """The last exchange, what it rested on, and the facts that were told in it. It blocks."""
        last = self._conversations.last(self._name(session))
        if last is None and anywhere:
            last = self._conversations.last(self._conversations.find("last"))
        if last is None:
            return None
        told = [item for item in self._store.turn(last.session, last.turn) if item.what == "fact"]
        live = self._store.get([*last.rests_on, *(item.id for item in told)], now)
        rested = [live[id_] for id_ in last.rests_on if id_ in live]
        return last, rested, [item for item in told if item.id in live]

    async def clear(self, event: SessionCleared) -> None:
        """Forget what was said in the session's conversation."""
        try:
            name = await self._writing.do(self._name, event.session)
            await self._writing.do(self._conversations.clear, name)
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("a conversation was not cleared", reason=str(error))

    def end(self, undone: Sequence[Event], focus: Focus) -> None:
        """Keep what was heard last, though the process ends right after. It blocks.

        What will be handled again, by a service that is restarted, is kept once.
        """
        try:
            for event in undone:
                if isinstance(event, TurnFinished):
                    focus.finished(event.session, event.turn, event.asked, event.heard)
                    self._keep(event, [item.id for item in focus.rests_on(event.session)])
                elif isinstance(event, TurnHeard):
                    self._conversations.heard(event.session, event.turn, safe(event.heard))
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("the last turns were not kept", reason=str(error))

    def _keep(self, event: TurnFinished, rests_on: Sequence[str]) -> None:
        item, exchange = as_turn(event), as_exchange(event)
        if item is not None and self._settings.turns:
            self._store.keep(item)
        if exchange is not None and self._settings.conversations:
            self._conversations.add(exchange, self._name(event.session), rests_on)

    def _name(self, session: str) -> str:
        """Of the conversation that the session belongs to. It blocks."""
        return self._names.get(session) or self._conversations.name_of(session)

    async def _summarise(self, ctx: Context, session: str, name: str, *, outgrown: bool) -> None:
        try:
            await self._summarising.consider(ctx, session, name, outgrown=outgrown)
        except (MemoryDamaged, MemoryFull) as error:
            _log.warning("a conversation was not summarised", reason=str(error))
