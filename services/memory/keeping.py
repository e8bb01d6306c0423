"""Keeping: events become items of the store."""

from __future__ import annotations

from services.memory.facts import Fact, corrected, read
from services.memory.item import Item
from services.memory.store import Kept, Store
from services.memory.words import safe
from shared.events import MemoryStore, PastTurn, TurnFinished

__all__ = ["as_exchange", "as_turn", "correct", "keep"]


_FORGETTING = "forget_memory"
"""The skill's name."""


def keep(store: Store, event: MemoryStore) -> Kept | None:
    """Keep what was asked for; None for a text without words."""
    text = safe(event.text)
    if not text:
        return None
    fact = read(text, event.language) if event.what == "fact" else Fact(text)
    return store.keep(_item(event, fact))


def correct(store: Store, event: MemoryStore, old: str, now: int) -> Kept | None:
    """Keep the fact `old` with a new value; None when it is not there any more."""
    before = store.get([old], now).get(old)
    value = safe(event.text)
    if before is None or not value:
        return None
    fact = read(corrected(before.text, before.value, value), event.language)
    return store.correct(old, _item(event, fact))


def as_turn(event: TurnFinished) -> Item | None:
    """A finished turn as it was heard; None for one that a skill answered, or in which nothing was said and heard.

    What skills answer (the time, a timer) is over with its moment, and what they keep as facts is kept as such.
    """
    asked, heard = safe(event.asked), safe(event.heard)
    if event.by != "llm" or event.reason not in ("answered", "interrupted") or not asked or not heard:
        return None
    return Item(
        id=f"m-{event.id}",
        what="turn",
        text=f"{asked}\n{heard}",
        at=event.at,
        session=event.session,
        turn=event.turn,
        source=event.id,
    )


def as_exchange(event: TurnFinished) -> PastTurn | None:
    """A finished turn as its conversation holds it; None for one in which nothing was said and nothing heard.

    Nor is the wish to forget kept: it names what is to be forgotten.
    """
    asked, heard = safe(event.asked), safe(event.heard)
    if event.by == _FORGETTING or not (asked or heard):
        return None
    return PastTurn(session=event.session, turn=event.turn, at=event.at, asked=asked, heard=heard, reason=event.reason)


def _item(event: MemoryStore, fact: Fact) -> Item:
    """Known by the call that asked for it: one that is killed and made again asks anew, for the same fact."""
    return Item(
        id=f"m-{event.cause or event.id}",
        what=event.what,
        text=fact.text,
        at=event.at,
        key=fact.key,
        value=fact.value,
        slot=fact.slot,
        topic=fact.topic,
        language=event.language,
        session=event.session,
        turn=event.turn,
        speaker=event.speaker,
        source=event.id,
        expires=event.expires_at,
    )
