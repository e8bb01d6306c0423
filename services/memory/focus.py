"""Focus: what "that" means in each session: its last exchange, and what that rested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.memory.conversations import Exchange
from services.memory.item import Item
from services.memory.words import content, coverage
from shared.events import Remembered, TurnName

__all__ = ["Focus"]

_FEW = 5
"""Things that can be told outright without a word of theirs: only a part of a passage is read out."""
_RECENT = 2
"""A correction may come so many turns after what it corrects."""


@dataclass(slots=True)
class _Session:
    last: TurnName | None = None
    """The last turn that finished."""
    said: tuple[str, str] = ("", "")
    """What was asked and heard in it."""
    told_in: TurnName | None = None
    told: tuple[Remembered, ...] = ()
    outright: bool = False
    """They were told as they are, not through a language model."""
    fact: str = ""
    fact_in: int = 0


@dataclass(slots=True)
class Focus:
    """What was said in this process; `recollect` tells it what was said before."""

    _sessions: dict[str, _Session] = field(default_factory=dict)
    _where: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    """The turns in which an item was told."""

    def told(self, session: str, turn: int, items: Sequence[Remembered], *, outright: bool) -> None:
        """An answer of the turn rests on these."""
        here = self._of(session)
        here.told_in, here.told, here.outright = TurnName(session=session, turn=turn), tuple(items), outright
        for item in items:
            self._where.setdefault(item.id, set()).add((session, turn))
        if outright and len(items) == 1 and items[0].what == "fact":
            here.fact, here.fact_in = items[0].id, turn

    def stored(self, session: str, turn: int, fact: str) -> None:
        """A fact was told in the turn."""
        here = self._of(session)
        here.fact, here.fact_in = fact, turn

    def knows(self, session: str) -> bool:
        """Whether anything was said in the session."""
        return session in self._sessions and self._sessions[session].last is not None

    def recollect(self, session: str, last: Exchange, rested: Sequence[Item], facts: Sequence[Item]) -> None:
        """The session goes on where `last` was: what that answer rested on, and the facts that were told in it."""
        here = self._of(session)
        here.last = here.told_in = last.name
        here.said, here.outright = (last.asked, last.heard), True
        here.told = tuple(item.told() for item in rested)
        known = {item.id for item in (*facts, *rested) if item.what == "fact"}
        if len(known) == 1:
            here.fact, here.fact_in = known.pop(), last.turn if last.session == session else 0

    def stored_in(self, session: str, turn: int) -> bool:
        """Whether a fact was told in the turn."""
        here = self._sessions.get(session)
        return here is not None and bool(here.fact) and here.fact_in == turn

    def finished(self, session: str, turn: int, asked: str, heard: str) -> None:
        """The turn is over. Of what was found for it, that counts which was heard from it."""
        here = self._of(session)
        here.last, here.said = TurnName(session=session, turn=turn), (asked, heard)
        if here.told_in == here.last:
            heard_of = tuple(item for item in here.told if _says(heard, item))
            few = here.told if here.outright and len(here.told) <= _FEW else here.told[: not here.outright]
            here.told = heard_of or few

    def rests_on(self, session: str) -> tuple[Remembered, ...]:
        """What the last answer rested on; empty when it did on nothing remembered."""
        here = self._of(session)
        return here.told if here.told and here.told_in == here.last else ()

    def correctable(self, session: str, turn: int) -> str:
        """The id of the fact that "no, it is …" corrects; empty for none."""
        here = self._of(session)
        return here.fact if here.fact and turn - here.fact_in <= _RECENT else ""

    def exchange(self, session: str) -> tuple[TurnName, tuple[str, ...]] | None:
        """The last exchange, and its words."""
        here = self._sessions.get(session)
        if here is None or here.last is None:
            return None
        return here.last, tuple(text for text in here.said if text.strip())

    def turns(self, ids: Iterable[str]) -> set[tuple[str, int]]:
        """The turns (session and number) whose answers rest on these."""
        return {turn for id_ in ids for turn in self._where.get(id_, ())}

    def drop(self, ids: set[str]) -> None:
        """These are gone."""
        for id_ in ids:
            self._where.pop(id_, None)
        for here in self._sessions.values():
            here.told = tuple(item for item in here.told if item.id not in ids)
            if here.fact in ids:
                here.fact = ""

    def drop_words(self) -> None:
        """Forget what was asked and heard."""
        for here in self._sessions.values():
            here.said = ("", "")

    def _of(self, session: str) -> _Session:
        return self._sessions.setdefault(session, _Session())


def _says(heard: str, item: Remembered) -> bool:
    if item.value and item.value.casefold() in heard.casefold():
        return True
    return coverage(content(item.text), heard) >= 1.0
