"""Finding: answers `memory.query`, by words in one thread and by meaning in another, at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from services.memory.focus import Focus
from services.memory.indexing import Embedded, Indexing
from services.memory.item import Item
from services.memory.recall import Floor, budgeted, fused
from services.memory.settings import MemorySettings
from services.memory.store import Store
from services.memory.vectors import Near
from services.memory.words import content, safe, topic
from services.memory.worker import Worker
from shared.events import MemoryQuery, Remembered

__all__ = ["Finding"]

_CANDIDATES = 24
_LETTERS_FLOOR = 0.6
"""Least cosine where vectors compare letters, not meaning."""
_SEARCH_WAIT_S = 30.0

Found = tuple[tuple[Remembered, ...], Literal["meaning", "words"]]


class Finding:
    """`store` is one of its own for reading, used in `reading`. `embed` gives the vector of a question, or None."""

    def __init__(
        self,
        settings: MemorySettings,
        store: Store,
        reading: Worker,
        *,
        index: Indexing | None,
        embed: Callable[[str, float], Awaitable[Embedded | None]],
        focus: Focus,
        now: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._store = store
        self._reading = reading
        self._index = index
        self._embed = embed
        self._focus = focus
        self._now = now

    async def answer(self, query: MemoryQuery) -> Found:
        """Return what is asked for, the best first."""
        match query.purpose:
            case "told":
                return await self._still(self._focus.rests_on(query.session)), "words"
            case "facts":
                return _told(await self._reading.do(self._store.facts, self._now(), limit=query.limit)), "words"
            case "value":
                return _told(await self._reading.do(self._value, query))[: query.limit], "words"
            case "said":
                return await self._reading.do(self._said, query), "words"
            case _:
                return await self._recall(query)

    def _value(self, query: MemoryQuery) -> list[Item]:
        about = topic(safe(query.text))
        return self._store.topic(about, self._now()) if about else []

    def _said(self, query: MemoryQuery) -> tuple[Remembered, ...]:
        said = self._store.conversations.between(query.since, query.until)
        real = [one for one in said if one.asked and one.reason in ("answered", "interrupted")]
        return tuple(one.remembered() for one in reversed(real[-query.limit :]))

    async def _still(self, items: Sequence[Remembered]) -> tuple[Remembered, ...]:
        """Those that were not superseded or forgotten since."""
        live = await self._reading.do(self._store.get, [item.id for item in items], self._now())
        return tuple(item for item in items if item.id in live)

    async def _recall(self, query: MemoryQuery) -> Found:
        text, now = safe(query.text), self._now()
        asked = content(text)
        answers = query.purpose in ("answer", "about")
        by_meaning = asyncio.ensure_future(self._near(text, patient=not answers))
        try:
            worded = await self._reading.do(self._store.search, asked, now, what=query.what, limit=_CANDIDATES)
            near, knows_meaning = await by_meaning
        finally:
            by_meaning.cancel()
        items = {item.id: item for item in worded}
        others = [id_ for id_, _ in near if id_ not in items]
        items |= await self._reading.do(self._store.get, others, now)
        if query.what:
            items = {id_: item for id_, item in items.items() if item.what in query.what}
        meaning = self._settings.floor if knows_meaning else _LETTERS_FLOOR
        floor = Floor(meaning, self._settings.word_floor) if answers else None
        found = fused(asked, near, worded, items, now, floor, by_meaning=knows_meaning)
        return budgeted(found, query.limit, query.tokens), "meaning" if near and knows_meaning else "words"

    async def _near(self, text: str, *, patient: bool) -> tuple[list[Near], bool]:
        if self._index is None or not text:
            return [], False
        wait = _SEARCH_WAIT_S if patient else self._settings.embed_wait_ms / 1000
        try:
            async with asyncio.timeout(wait):
                if patient:
                    await self._index.settled()
                embedded = await self._embed(text, wait)
                if embedded is None:
                    return [], False
                near = await self._index.nearest(embedded, _CANDIDATES)
                if near is None and patient:  # another model speaks since: its vectors are being made
                    await self._index.settled()
                    near = await self._index.nearest(embedded, _CANDIDATES)
                return near or [], embedded.knows_meaning
        except TimeoutError:
            return [], False


def _told(items: Sequence[Item]) -> tuple[Remembered, ...]:
    return tuple(item.told() for item in items)
