"""Which phonemes of a sentence are which words.

Phonemes come in groups with spaces between them. espeak-ng, from which Piper has them, runs words together ("of the"
becomes one group) and takes others apart. The words' own phonemes, each spoken alone, tell which: groups and words are
aligned so that they differ least (dynamic programming over edit distances, in a band around the diagonal). Words in
one group are told apart where their phonemes simply follow each other, else they share the group.
"""

# ruff: noqa: RUF001 (phonemes look like letters and signs)

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Group", "Match", "Stretch", "aligned", "groups_of", "plain_sound", "stretches"]

_JOINED: Final = 4
"""Most words in a group, and most groups in a word."""
_BAND: Final = 3
_JOIN_COST: Final = 0.5
"""For each word or group beyond one, so that ties go to the plain reading."""
_FAR: Final = 6
"""Beyond this difference in length two strings are no candidates."""


_SPACE: Final = " "
_LONG: Final = "ː"
"""Belongs to the phoneme before it, other marks to the one after."""
_PAUSES: Final = frozenset(",.;:!?…—")
_NO_SOUND: Final = str.maketrans("", "", "ˈˌː ,.;:!?¡¿—…\"'()«»“”")


@dataclass(frozen=True, slots=True)
class Group:
    """Phonemes without a space between them, usually a word."""

    first: int
    """Index of its first phoneme."""
    until: int
    """Index past its last one, pauses left out."""
    phonemes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words, as offsets in the text, and their phonemes, as indices."""

    start: int
    end: int
    first: int
    until: int


@dataclass(frozen=True, slots=True)
class Match:
    """Words that are spoken in these groups; one of the two ranges has length 1, or is empty."""

    first_word: int
    until_word: int
    first_group: int
    until_group: int


def plain_sound(phonemes: Iterable[str]) -> str:
    """Return phonemes without stress, length and punctuation, which change with the sentence."""
    return "".join(phonemes).translate(_NO_SOUND)


def groups_of(phonemes: Sequence[str], base: int = 0) -> Iterator[Group]:
    """Yield the groups that sound; indices count from `base`."""
    first = 0
    for end in (*(i for i, p in enumerate(phonemes) if p == _SPACE), len(phonemes)):
        until = end
        while until > first and phonemes[until - 1] in _PAUSES:
            until -= 1
        if plain_sound(phonemes[first:until]):
            yield Group(base + first, base + until, phonemes[first:until])
        first = end + 1


def stretches(words: Sequence[tuple[int, int]], alone: Sequence[str], groups: Sequence[Group]) -> Iterator[Stretch]:
    """Yield the words (offsets in the text) with their phonemes; `alone` is each word's plain sound by itself.

    Words without a sound are left out, and so are sounds without a word.
    """
    for match in aligned(alone, [plain_sound(group.phonemes) for group in groups]):
        inside = groups[match.first_group : match.until_group]
        if not inside or match.first_word == match.until_word:
            continue
        spans = words[match.first_word : match.until_word]
        cuts = _cuts(alone[match.first_word : match.until_word], inside[0]) if len(spans) > 1 else None
        if cuts is None:
            yield Stretch(spans[0][0], spans[-1][1], inside[0].first, inside[-1].until)
        else:
            yield from (Stretch(*span, *cut) for span, cut in zip(spans, cuts, strict=True))


def _cuts(alone: Sequence[str], group: Group) -> list[tuple[int, int]] | None:
    """First and last phoneme of each word in a group; None when they do not simply follow each other."""
    if "".join(alone) != plain_sound(group.phonemes) or not all(alone):
        return None
    begins, said = [group.first], 0
    for index, phoneme in enumerate(group.phonemes):
        before = sum(map(len, alone[: len(begins)]))
        if phoneme != _LONG and said >= before and len(begins) < len(alone):
            begins.append(group.first + index)
        said += len(plain_sound(phoneme))
    return list(zip(begins, [*begins[1:], group.until], strict=True))


def aligned(words: Sequence[str], groups: Sequence[str]) -> tuple[Match, ...]:
    """Match phonemes of words, each spoken alone, with the groups of the sentence. All of both are covered, in order.

    As many groups as words are taken one by one: espeak-ng does not join and split in the same sentence.
    """
    if len(words) == len(groups):
        return tuple(Match(i, i + 1, i, i + 1) for i in range(len(words)))
    costs: dict[tuple[int, int], float] = {(0, 0): 0.0}
    steps: dict[tuple[int, int], Match] = {}
    band = _BAND + abs(len(words) - len(groups))
    for i in range(len(words) + 1):
        for j in range(max(0, i - band), min(len(groups), i + band) + 1):
            cost = costs.get((i, j), math.inf)
            for step in _steps(i, j, len(words), len(groups)):
                place = (step.until_word, step.until_group)
                total = cost + _cost(words, groups, step)
                if total < costs.get(place, math.inf):
                    costs[place], steps[place] = total, step
    return _walk_back(steps, len(words), len(groups))


def _walk_back(steps: dict[tuple[int, int], Match], words: int, groups: int) -> tuple[Match, ...]:
    path: list[Match] = []
    place = (words, groups)
    while place != (0, 0):
        path.append(steps[place])
        place = (path[-1].first_word, path[-1].first_group)
    return tuple(reversed(path))


def _steps(i: int, j: int, words: int, groups: int) -> Iterator[Match]:
    for joined in range(_JOINED + 1):
        if i + joined <= words and j < groups:
            yield Match(i, i + joined, j, j + 1)
        if joined != 1 and i < words and j + joined <= groups:
            yield Match(i, i + 1, j, j + joined)


def _cost(words: Sequence[str], groups: Sequence[str], step: Match) -> float:
    word = "".join(words[step.first_word : step.until_word])
    group = "".join(groups[step.first_group : step.until_group])
    parts = (step.until_word - step.first_word) + (step.until_group - step.first_group)
    return _difference(word, group) + _JOIN_COST * abs(parts - 2)


@lru_cache(maxsize=4096)
def _difference(one: str, other: str) -> int:
    """Edit distance, or the longer length when it cannot be small."""
    if one == other:
        return 0
    if abs(len(one) - len(other)) > _FAR:
        return max(len(one), len(other))
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
    return row[-1]
