"""Noticing: what a person says of themselves in passing is kept as a fact, where a language model can find it.

It runs in the background after the turn, and answers by a schema. Only the person's own words count: what it says
stands in their sentence, word for word, or is thrown away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from services.contract import Context
from services.memory.facts import Fact, read
from services.memory.focus import Focus
from services.memory.item import Item
from services.memory.model import Model
from services.memory.store import Kept, Store
from services.memory.words import content, coverage, plain, safe, topic
from services.memory.worker import Worker
from shared.events import MemoryNoted, Structure, TurnFinished
from shared.logs import get_logger

__all__ = ["Noticing"]

_TOKENS = 200
_MOST = 3
"""Facts of one sentence."""
_KNOWN = 8
"""Facts that are known already and may be replaced."""
_LONGEST = 600
_SELF = (
    "i my mine me our we us ich mein meine meinen meinem meiner mich mir wir unser unsere je j mon ma mes moi nous "
    "notre yo mi mis nosotros nuestro nuestra soy tengo vivo trabajo"
)
_INSTRUCTION = (
    "You note facts that a person states about themselves, their people, their things or their plans, which will "
    "still be true in a month. Most sentences state none: then the list is empty. Questions, wishes to the assistant "
    "and what anybody knows are no facts. `words`: the part of the sentence that states it, word for word. `about`: "
    "who or what it is about, in words of the sentence. `says`: what is said of that, in words of the sentence. "
    "`replaces`: the number of the known fact that is no longer true because of it, else 0."
)
_SCHEMA = {
    "type": "object",
    "properties": {
        "facts": {
            "type": "array",
            "maxItems": _MOST,
            "items": {
                "type": "object",
                "properties": {
                    "words": {"type": "string", "maxLength": 200},
                    "about": {"type": "string", "maxLength": 60},
                    "says": {"type": "string", "maxLength": 120},
                    "replaces": {"type": "integer", "minimum": 0, "maximum": _KNOWN},
                },
                "required": ["words", "about", "says", "replaces"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["facts"],
    "additionalProperties": False,
}
_log = get_logger("memory")


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    words: str
    about: str
    says: str
    replaces: int


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    facts: tuple[_Found, ...]


@dataclass(frozen=True, slots=True)
class _Noted:
    """A fact, and the known one that it replaces."""

    fact: Fact
    replaces: Item | None


class Noticing:
    """`changes` counts what was forgotten: what is found meanwhile is thrown away."""

    def __init__(self, store: Store, writing: Worker, model: Model, focus: Focus, changes: Callable[[], int]) -> None:
        self._store = store
        self._writing = writing
        self._model = model
        self._focus = focus
        self._changes = changes
        self._turn = asyncio.Lock()

    async def consider(self, ctx: Context, event: TurnFinished) -> bool:
        """Keep what the turn's sentence states, and say so; returns whether anything was kept."""
        said = safe(event.asked)
        if not self._model.there or not _may_state(event, said) or self._focus.stored_in(event.session, event.turn):
            return False
        async with self._turn:
            seen = self._changes()
            known = await self._writing.do(
                self._store.search, content(said), ctx.clock.now_ns(), what=("fact",), limit=_KNOWN
            )
            text, whole = await self._model.ask(
                ctx, event.session, _INSTRUCTION, _question(said, known), tokens=_TOKENS,
                form=Structure(json_schema=_SCHEMA),
            )  # fmt: skip
            noted = _read(text, said, known) if whole else []
            if not noted or seen != self._changes():
                return False
            kept = await self._writing.do(self._keep, event, noted)
        if not kept:
            return False
        self._focus.stored(event.session, event.turn, kept[-1].item.id)
        replaced = tuple(old.value or old.text for one in kept for old in one.replaced)
        ctx.emit(
            MemoryNoted, session=event.session, turn=0, items=tuple(one.item.told() for one in kept), replaced=replaced
        )
        _log.info("noted what was said in passing", facts=len(kept))
        return True

    def _keep(self, event: TurnFinished, noted: Sequence[_Noted]) -> list[Kept]:
        kept: list[Kept] = []
        for place, one in enumerate(noted):
            item = _item(event, one.fact, place)
            done = self._store.correct(one.replaces.id, item) if one.replaces else None
            kept.append(done or self._store.keep(item))
        return kept


def _may_state(event: TurnFinished, said: str) -> bool:
    """Whether it is worth asking: a sentence to the model, in which the person speaks of themselves."""
    if event.by != "llm" or event.reason not in ("answered", "interrupted") or len(said) > _LONGEST:
        return False
    words = plain(said)
    return len(words) >= 3 and not set(_SELF.split()).isdisjoint(words)


def _question(said: str, known: Sequence[Item]) -> str:
    lines = "\n".join(f"{number}. {item.text}" for number, item in enumerate(known, 1))
    return f"Known facts:\n{lines or 'none'}\n\nThe sentence: {said}"


def _read(text: str, said: str, known: Sequence[Item]) -> list[_Noted]:
    """What of the model's answer the person really said."""
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError:
        return []
    noted: list[_Noted] = []
    for found in answer.facts[:_MOST]:
        statement = _as_said(found.words, said)
        if not statement or statement.endswith("?") or not _within(found.says, statement):
            continue
        fact = read(statement)
        if not fact.slot and _within(found.about, statement):
            fact = Fact(statement, found.about, found.says, topic=topic(found.about))
        old = known[found.replaces - 1] if 0 < found.replaces <= len(known) else None
        if old is not None and not _alike(old, statement):
            old = None
        if all(fact.text != other.fact.text for other in noted) and all(fact.text != item.text for item in known):
            noted.append(_Noted(fact, old))
    return noted


def _as_said(words: str, said: str) -> str:
    """The part of the sentence that has these words in this order, as it was said; empty where there is none."""
    parts, wanted = said.split(), plain(words)
    if len(wanted) < 3:
        return ""
    heard = [(word, place) for place, part in enumerate(parts) for word in plain(part)]
    for start in range(len(heard) - len(wanted) + 1):
        found = heard[start : start + len(wanted)]
        if [word for word, _ in found] == wanted:
            return " ".join(parts[found[0][1] : found[-1][1] + 1]).strip(' \t\n.,;:!"“”«»„')
    return ""


def _within(words: str, statement: str) -> bool:
    """Whether the statement has all of the words, and there are any."""
    return bool(plain(words)) and set(plain(words)) <= set(plain(statement))


def _alike(old: Item, statement: str) -> bool:
    """Whether both could be about the same: they share a word that says something."""
    return any(coverage([word], old.text) > 0 for word in content(statement))


def _item(event: TurnFinished, fact: Fact, place: int) -> Item:
    return Item(
        id=f"n-{event.id}-{place}",
        what="fact",
        text=fact.text,
        at=event.at,
        key=fact.key,
        value=fact.value,
        slot=fact.slot,
        topic=fact.topic,
        session=event.session,
        turn=event.turn,
        source=event.id,
    )
