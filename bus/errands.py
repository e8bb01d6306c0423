"""Errands: the requests of this process that others work on, and which process may answer each.

A request has one addressee at a time. Who is taken for dead loses it; what that one still says of it is not heard.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from shared.events import Event

__all__ = ["Errand", "Errands", "remember"]

T = TypeVar("T")

_REMEMBERED = 8192
_SHARED = frozenset({"llm.request", "embed.request", "rerank.request"})
"""Work without a memory of its own: whoever has least to do gets it. The rest stays where the conversation's is."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that another process works on."""

    request: Event
    server: str
    spoke: bool = False
    """Something came of it already."""
    life: str = ""
    """Which life of that process said it."""
    had: tuple[str, ...] = ()
    """Processes that got it before, and were taken for dead: they were told not to begin it."""

    @property
    def tries(self) -> int:
        """Processes that got it."""
        return len(self.had) + 1


class Errands:
    """See the module."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Errand] = OrderedDict()
        self._over: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """Requests that were answered or given up, by id, and which kinds are answers: no more of it is heard."""
        self._load: Counter[str] = Counter()

    def choose(self, request: Event, able: Iterable[str]) -> str | None:
        """The process that gets a request: the conversation's own (rendezvous hash), unless others have less to do."""
        known = self._open.get(request.id)
        candidates = [name for name in able if known is None or name not in known.had]
        if request.kind in _SHARED and len(candidates) > 1:
            least = min(self._load[name] for name in candidates)
            candidates = [name for name in candidates if self._load[name] == least]
        return max(candidates, key=lambda name: _rank(request.session, name), default=None)

    def give(self, request: Event, server: str) -> Errand:
        """A request goes to a process, for the first time or again."""
        before = self._drop(request.id)
        errand = Errand(request, server, had=(*before.had, before.server) if before else ())
        remember(self._open, request.id, errand)
        self._load[server] += 1
        return errand

    def heard(self, event: Event, origin: str, life: str) -> bool:
        """Note what comes of a request; False for work and answers that nobody waits for (any more) from there.

        What a process begins again that was killed after it had spoken would be said twice.
        """
        errand = self._open.get(event.cause or "")
        if errand is None:
            replies = self._over.get(event.cause or "")
            return replies is None or not (event.fenced or event.kind in replies)
        answers = event.kind in errand.request.replies
        if origin != errand.server or (errand.spoke and life != errand.life):
            return not (answers or event.fenced)
        if answers:
            self._end(errand)
        elif not errand.spoke:
            self._open[errand.request.id] = replace(errand, spoke=True, life=life)
        return True

    def of(self, server: str) -> Sequence[Errand]:
        """What a process works on for us."""
        return [errand for errand in self._open.values() if errand.server == server]

    def give_up(self, errand: Errand) -> None:
        """No answer counts any more."""
        self._end(errand)

    def _end(self, errand: Errand) -> None:
        self._drop(errand.request.id)
        remember(self._over, errand.request.id, errand.request.replies)

    def _drop(self, request: str) -> Errand | None:
        errand = self._open.pop(request, None)
        if errand is not None:
            self._load[errand.server] -= 1
        return errand


def remember(last: OrderedDict[str, T], key: str, value: T) -> None:
    """Add to what is remembered, and forget the oldest beyond a bound."""
    last[key] = value
    if len(last) > _REMEMBERED:
        last.popitem(last=False)


def _rank(session: str, name: str) -> bytes:
    return hashlib.blake2b(f"{session} {name}".encode()).digest()
