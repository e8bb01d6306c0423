"""Recall: what was found by meaning and by words, fused into one order, cut at the floor and at the budget.

Fused by reciprocal rank (Cormack, Clarke and Büttcher, 2009), which needs no common scale for cosines and BM25; then
weighted by kind and by age. The floor is about likeness, not rank: the best of nothing is still nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.memory.item import Item
from services.memory.vectors import Near
from services.memory.words import coverage
from shared.events import Remembered

__all__ = ["Floor", "budgeted", "fused"]

_K = 20
_WEIGHT = {"fact": 1.25, "document": 1.0, "turn": 0.85}
_FRESH = 0.05
"""How much more what was said just now counts than what was said long ago."""
_WORDS = 0.3
"""What a rank by words counts beside one by meaning: many items share a name, one has the meaning."""
_HALF_LIFE_NS = 30 * 86_400 * 10**9
_CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Floor:
    """What an item must reach one of to be an answer."""

    meaning: float
    """Cosine."""
    words: float
    """Part of the question's words."""


def fused(
    asked: Sequence[str],
    near: Sequence[Near],
    worded: Sequence[Item],
    items: Mapping[str, Item],
    now: int,
    floor: Floor | None = None,
    *,
    by_meaning: bool = True,
) -> list[Remembered]:
    """Return the items of both lists (the best first in each), the best first.

    `items` are the live ones by id: one of `near` that is not there was superseded or forgotten, and is left out.
    `by_meaning` says that the cosines are of meaning, not of spelling.
    """
    cosine = dict(near)
    scores: dict[str, float] = {}
    words = _WORDS if by_meaning and near else 1.0
    for weight, ranked in ((1.0, [id_ for id_, _ in near]), (words, [item.id for item in worded])):
        for rank, id_ in enumerate(ranked, 1):
            scores[id_] = scores.get(id_, 0.0) + weight / (_K + rank)
    found = [
        (score * _WEIGHT[item.what] * _age(item, now), item)
        for id_, score in scores.items()
        if (item := items.get(id_)) is not None and _answers(item, asked, cosine.get(id_, 0.0), floor)
    ]
    found.sort(key=lambda pair: (-pair[0], -pair[1].at, pair[1].id))
    return [item.told(round(score, 6)) for score, item in found]


def budgeted(items: Sequence[Remembered], limit: int, tokens: int) -> tuple[Remembered, ...]:
    """Return the first items, as many as `limit` and `tokens` (0: any number; four characters are taken for one) let.

    One that is too long for what is left is left out, a shorter one after it may still fit.
    """
    kept: list[Remembered] = []
    left = tokens
    for item in items:
        cost = -(-len(item.text) // _CHARS_PER_TOKEN)
        if len(kept) == limit:
            break
        if tokens and cost > left:
            continue
        left -= cost
        kept.append(item)
    return tuple(kept)


def _answers(item: Item, asked: Sequence[str], cosine: float, floor: Floor | None) -> bool:
    if floor is None or cosine >= floor.meaning:
        return True
    return coverage(list(asked), f"{item.key} {item.text} {item.place}") >= floor.words


def _age(item: Item, now: int) -> float:
    return 1.0 + _FRESH * math.exp2(-max(0, now - item.at) / _HALF_LIFE_NS)
