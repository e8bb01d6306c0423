"""How many ways there are to leave things out in a grammar in GBNF: llama.cpp follows all of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from services.llm.port import StructureImpossible

__all__ = ["refuse_ways"]

_MOST_SKIPS = 200
"""Things left out one after the other: a character takes 20 ms with so many, and ten seconds with 2,000."""
_MOST_WAYS = 5000
"""Ways to begin."""

_LEXEME = re.compile(
    r'#[^\n]*+|"(?:\\.|[^"\\])*+"?|\[(?:\\.|[^\]\\])*+\]?|::=|[\w-]++|[().|*+?]'
    r"|\{\s*+0*+(\d{0,9}+)\s*+,?+\s*+0*+(\d{0,9}+)\s*+\}",
    re.DOTALL,
)
"""llama.cpp: grammars/README.md. Nothing is read twice, however much of it is no grammar."""


@dataclass(frozen=True, slots=True)
class _Part:
    empty: bool = False
    """Whether it may be left out."""
    places: int = 1
    """Where an answer may be in it, repetitions written out."""
    skips: int = 1
    """Things of it that may be left out in a row."""
    ways: int = 1
    """To begin it."""


def refuse_ways(grammar: str) -> None:
    """Raise StructureImpossible for one in which more things in a row may be left out than llama.cpp gets through.

    What is no grammar passes: llama.cpp says best what is wrong with it.
    """
    try:
        _Rules(grammar).part("root")
    except RecursionError as error:
        raise StructureImpossible("The grammar is nested too deeply.", remedy="Make it simpler.") from error


class _Rules:
    def __init__(self, grammar: str) -> None:
        self._rules: dict[str, list[re.Match[str]]] = {}
        self._parts: dict[str, _Part] = {}
        lexemes = [found for found in _LEXEME.finditer(grammar) if found[0][0] != "#"]
        rule: list[re.Match[str]] = []
        for lexeme, following in zip_longest(lexemes, lexemes[1:]):
            if following is not None and following[0] == "::=":
                rule = self._rules[lexeme[0]] = []
            elif lexeme[0] != "::=":
                rule.append(lexeme)

    def part(self, name: str) -> _Part:
        """What the rule stands for; a rule within itself counts as a single place."""
        if name not in self._parts:
            self._parts[name] = _Part()
            self._parts[name] = self._choice(iter(self._rules.get(name, ())))
        return self._parts[name]

    def _choice(self, lexemes: Iterator[re.Match[str]]) -> _Part:
        """What stands before the closing bracket, or the end."""
        sequences: list[list[_Part]] = [[]]
        for lexeme in lexemes:
            text = lexeme[0]
            if text == ")":
                break
            if text == "|":
                sequences.append([])
            elif text[0] in "*+?{":
                sequences[-1][-1:] = [_repeated(part, lexeme) for part in sequences[-1][-1:]]
            elif text == "(":
                sequences[-1].append(self._choice(lexemes))
            else:
                sequences[-1].append(self.part(text) if text in self._rules else _Part(text == '""'))
        alternatives = [_in_a_row(sequence) for sequence in sequences]
        return _Part(
            any(each.empty for each in alternatives),
            sum(each.places for each in alternatives),
            max(each.skips for each in alternatives),
            sum(each.ways for each in alternatives),
        )


def _repeated(part: _Part, lexeme: re.Match[str]) -> _Part:
    if lexeme[0] in ("*", "?", "+"):
        return replace(part, empty=part.empty or lexeme[0] != "+")
    least, most = int(lexeme[1] or 0), int(lexeme[2] or 0)
    times = most or least or 1
    places = times * part.places
    if part.empty:
        _refuse_skips(places)
        return _Part(True, places, places, times * part.ways)
    return _Part(not least, places, 1, part.ways)


def _in_a_row(sequence: Sequence[_Part]) -> _Part:
    skips = ways = most_skips = most_ways = 0
    for part in sequence:
        skips += part.skips
        ways += part.ways
        most_skips, most_ways = max(most_skips, skips), max(most_ways, ways)
        if not part.empty:
            skips = ways = 0
    _refuse_skips(most_skips)
    if most_ways > _MOST_WAYS:
        raise StructureImpossible(
            f"The grammar goes on in more than {_MOST_WAYS} ways at one place.",
            remedy="Let fewer alternatives begin in the same way.",
        )
    return _Part(all(part.empty for part in sequence), sum(part.places for part in sequence), most_skips, most_ways)


def _refuse_skips(skips: int) -> None:
    if skips > _MOST_SKIPS:
        raise StructureImpossible(
            f"In the grammar more than {_MOST_SKIPS} things in a row may be left out.",
            remedy="Repeat nothing that may be empty: write `(x){0,9}` instead of `(x?){9}`.",
        )
