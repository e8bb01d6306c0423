"""Forgetting: what a person's wish means, gone from memory, then from every other store, with a receipt."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bus import Overflow
from services.contract import Context
from services.memory.conversations import Exchange
from services.memory.errors import MemoryDamaged, MemoryFull
from services.memory.focus import Focus
from services.memory.indexing import Indexing
from services.memory.item import Item
from services.memory.store import Store
from services.memory.words import content
from services.memory.worker import Worker
from shared.events import MemoryErase, MemoryForget, MemoryForgotten, Removed, TurnName

__all__ = ["Forgetting", "refuse"]

_TELLING = 6
"""Words of what was said that other stores look for: "I will remember that" is everywhere."""
_NAMES = {"fact": "facts", "turn": "turns", "document": "passages"}
_FILES = "(what was read from files; these stay where they are, and are read again only when they change)"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to go."""

    items: tuple[Item, ...] = ()
    said: tuple[Exchange, ...] = ()
    """Of the conversations."""
    turns: tuple[TurnName, ...] = ()
    texts: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    about: str = ""
    everything: bool = False

    @property
    def words(self) -> list[list[str]]:
        """What an exchange says that tells of it: all words of one of these."""
        facts = [item for item in self.items if item.what == "fact"]
        told = [content(f"{item.key} {item.value}" if item.value else item.text) for item in facts]
        return [*told, content(self.about)] if self.about.strip() else told


class Forgetting:
    """`stores` are the services that answer `memory.forget`; each is waited for, at most `wait_s` together."""

    def __init__(
        self,
        store: Store,
        writing: Worker,
        *,
        index: Indexing | None,
        focus: Focus,
        stores: Sequence[str],
        wait_s: float,
    ) -> None:
        self._store = store
        self._writing = writing
        self._index = index
        self._focus = focus
        self._stores = tuple(stores)
        self._wait_s = wait_s

    async def erase(self, ctx: Context, event: MemoryErase) -> tuple[int, tuple[Removed, ...]]:
        """Fulfil the wish; returns how many items are gone, and the receipt, also of what memory cannot do."""
        wish = _in_words(event)
        try:
            wish = await self._meaning(event)
            wish = await self._with_conversations(wish)
            removed = await self._own(event, wish)
        except (MemoryDamaged, MemoryFull) as error:
            ctx.degraded(str(error))
            removed = (_left(str(error)),)
        removed += await _ordered(ctx, wish, self._stores, self._wait_s)
        return sum(line.count for line in removed if line.store in _NAMES.values()), removed

    async def _meaning(self, event: MemoryErase) -> _Wish:
        match event.what:
            case "last":
                return await self._last(event)
            case "since":
                items = await self._writing.do(self._store.since, event.since)
                return replace(_in_words(event), items=tuple(items))
            case "about":
                items = await self._writing.do(self._store.about, event.text)
                return self._wish(items, about=event.text)
            case "items":
                return self._wish(await self._writing.do(self._store.named, event.items))
            case "documents":
                return self._wish(await self._writing.do(self._store.passages, event.text))
            case "all":
                items = await self._writing.do(lambda: list(self._store.everything()))
                return replace(_in_words(event), items=tuple(items))

    async def _last(self, event: MemoryErase) -> _Wish:
        exchange = self._focus.exchange(event.session)
        if exchange is None:
            return _Wish()
        turn, texts = exchange
        told = [item.id for item in self._focus.rests_on(event.session) if item.what == "fact"]
        said = await self._writing.do(self._store.turn, turn.session, turn.turn)
        items = await self._writing.do(self._store.named, [*told, *(item.id for item in said)])
        wish = self._wish(items)
        turns = (*(name for name in wish.turns if name != turn), turn)
        return replace(wish, turns=turns, texts=(*wish.texts, *texts))

    async def _with_conversations(self, wish: _Wish) -> _Wish:
        """What was said of it in any conversation goes too, also where that is remembered; other stores learn of it."""
        said = await self._writing.do(
            self._store.conversations.meant, wish.turns, since=wish.since, until=wish.until, words=wish.words,
            items={item.id for item in wish.items},
        )  # fmt: skip
        turns = dict.fromkeys([*wish.turns, *(exchange.name for exchange in said)])
        items = {item.id: item for item in (*wish.items, *await self._writing.do(self._store.turns, list(turns)))}
        spoken = (text for exchange in said for text in (exchange.asked, exchange.heard))
        texts = dict.fromkeys([*wish.texts, *(text for text in spoken if len(text.split()) >= _TELLING)])
        return replace(wish, items=tuple(items.values()), said=tuple(said), turns=tuple(turns), texts=tuple(texts))

    def _wish(self, items: Sequence[Item], *, about: str = "") -> _Wish:
        return _wish(items, self._focus.turns(item.id for item in items), about=about)

    async def _own(self, event: MemoryErase, wish: _Wish) -> tuple[Removed, ...]:
        counts: dict[str, int] = {}

        async def delete() -> list[str]:
            ids = [item.id for item in wish.items]
            conversations = self._store.conversations
            if event.what == "all":
                await self._writing.do(self._store.clear)
                said = await self._writing.do(conversations.clear)
            else:
                if event.what == "documents":
                    await self._writing.do(self._store.delete_document, event.text, forget=True)
                await self._writing.do(self._store.delete, ids)
                said = await self._writing.do(conversations.forget, wish.said, words=wish.words)
            for item in wish.items:
                counts[_NAMES[item.what]] = counts.get(_NAMES[item.what], 0) + 1
            counts["conversations"] = said
            return ids

        vectors, problem = await self._index.forget(delete) if self._index else (len(await delete()) * 0, "")
        self._focus.drop({item.id for item in wish.items})
        self._focus.drop_words()
        files = {item.source for item in wish.items if item.what == "document"}
        details = {"passages": _FILES if await self._writing.do(_any_there, files) else ""}
        lines = [
            Removed(store=name, count=count, detail=details.get(name, ""), ok=True)
            for name, count in counts.items()
            if count
        ]
        if vectors or problem:
            lines.append(Removed(store="vectors", count=vectors, detail=problem, ok=not problem or vectors > 0))
        return tuple(lines)


async def refuse(
    ctx: Context, event: MemoryErase, problem: str, *, stores: Sequence[str], wait_s: float
) -> tuple[Removed, ...]:
    """The receipt of a memory that cannot be opened: the other stores forget what they can."""
    return _left(problem), *await _ordered(ctx, _in_words(event), stores, wait_s)


async def _ordered(ctx: Context, wish: _Wish, stores: Sequence[str], wait_s: float) -> tuple[Removed, ...]:
    """Order every store, and gather their answers."""
    # In a task of its own: what is read from a subscription becomes the cause of what the task says afterwards.
    return await asyncio.create_task(_gathered(ctx, wish, stores, wait_s), name="memory:receipt")


async def _gathered(ctx: Context, wish: _Wish, stores: Sequence[str], wait_s: float) -> tuple[Removed, ...]:
    answers = ctx.bus.subscribe(MemoryForgotten, name="memory-receipt", capacity=256, overflow=Overflow.DROP_OLDEST)
    missing, lines = set(stores), list[Removed]()
    with answers:
        order = ctx.emit(
            MemoryForget,
            turns=wish.turns,
            since=wish.since,
            until=wish.until,
            texts=wish.texts,
            about=wish.about,
            everything=wish.everything,
        )
        try:
            async with asyncio.timeout(wait_s):
                while missing:
                    answer = await anext(answers)
                    if answer.cause == order.id:
                        missing.discard(answer.store)
                        lines.append(_line(answer))
        except TimeoutError:
            lines += [_silent(store) for store in sorted(missing)]
    return tuple(lines)


def _in_words(event: MemoryErase) -> _Wish:
    """What of the wish other stores understand without memory."""
    match event.what:
        case "since":
            return _Wish(since=event.since, until=event.at)
        case "about":
            return _Wish(about=event.text)
        case "all":
            return _Wish(everything=True)
        case _:
            return _Wish()


def _wish(items: Sequence[Item], told: set[tuple[str, int]], *, about: str = "") -> _Wish:
    """The items, with the turns in which they were said and told, and their words."""
    turns = told | {(item.session, item.turn) for item in items if item.turn}
    names = tuple(TurnName(session=session, turn=turn) for session, turn in sorted(turns))
    texts = tuple(dict.fromkeys(text for item in items for text in _texts(item)))
    return _Wish(tuple(items), turns=names, texts=texts, about=about)


def _texts(item: Item) -> list[str]:
    """What other stores look for: a passage as a whole, of which a line may stand anywhere."""
    if item.what == "document":
        return [item.text] if len(item.text.split()) >= _TELLING else []
    return [line for line in item.text.splitlines() if line]


def _any_there(files: Iterable[str]) -> bool:
    return any(os.path.lexists(file) for file in files)


def _line(answer: MemoryForgotten) -> Removed:
    return Removed(store=answer.store, count=answer.removed, detail=answer.detail, ok=answer.ok)


def _left(problem: str) -> Removed:
    return Removed(store="memory", count=0, detail=problem, ok=False)


def _silent(store: str) -> Removed:
    detail = "it did not answer; what it holds of this may still be there. Try again when it runs."
    return Removed(store=store, count=0, detail=detail, ok=False)
