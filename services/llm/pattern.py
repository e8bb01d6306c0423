"""Regular expressions as expressions of llama.cpp's grammars: what the grammar derives, the pattern matches whole.

Python's own parser reads the pattern, so the notation is Python's. Where a class means more than ASCII (`\\w`, `\\d`),
its ASCII part is derived: never a text that the pattern would not match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

from services.llm.port import StructureImpossible

__all__ = ["from_pattern", "literal"]

Range: TypeAlias = tuple[int, int]

_ASCII = ((0, 0x7F),)
_ALL = ((0, 0xD7FF), (0xE000, 0x10FFFF))

_CLASSES: dict[Any, Sequence[Range]] = {
    codes.CATEGORY_DIGIT: ((0x30, 0x39),),
    codes.CATEGORY_WORD: ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    codes.CATEGORY_SPACE: ((0x09, 0x0D), (0x20, 0x20)),
}
_OTHERS = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_MOST_REPEATED = 2000
"""Times that something is repeated, nested repetitions multiplied; llama.cpp refuses more (src/llama-grammar.cpp)."""

_MOST_EMPTY = 200
"""Times that what may be empty is repeated, nested repetitions multiplied: a grammar tries each way to leave it out."""

_MUST_BE_ESCAPED = ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F))
"""Within a JSON string; of these only `_ESCAPED` are derived."""
_ESCAPED = (0x09, 0x0A, 0x22, 0x5C)


def from_pattern(pattern: str, *, quoted: bool = False) -> str:
    """Return the expression; `quoted`: of the text as it is written within a JSON string.

    Raises StructureImpossible for a broken pattern or one that no grammar can express.
    """
    try:
        tree = _parser.parse(pattern)
        if tree.state.flags & (re.IGNORECASE | re.VERBOSE):
            raise _beyond("flags")
        return _Expression(quoted).sequence(_unanchored(list(tree)))
    except (re.error, OverflowError, RecursionError) as error:
        raise StructureImpossible(
            f"The regular expression cannot be read: {error}.", remedy="Python's `re` module says the same of it."
        ) from error


def literal(text: str) -> str:
    """Return the text as a terminal of the grammar."""
    return '"' + "".join(map(_escaped, map(ord, text))) + '"'


def _unanchored(items: list[Any]) -> list[Any]:
    """The same without anchors at its ends, where the whole answer is meant anyway."""
    if items and items[0] in ((codes.AT, codes.AT_BEGINNING), (codes.AT, codes.AT_BEGINNING_STRING)):
        items = items[1:]
    if items and items[-1] in ((codes.AT, codes.AT_END), (codes.AT, codes.AT_END_STRING)):
        items = items[:-1]
    return items


class _Expression:
    def __init__(self, quoted: bool) -> None:
        self._quoted = quoted
        self._empty = 1
        """How often what is being written may be left out, by the repetitions around it."""
        self._times = 1
        """How often it is repeated by them."""

    def sequence(self, items: Iterable[Any]) -> str:
        return " ".join(self._item(code, argument) for code, argument in items) or '""'

    def _item(self, code: Any, argument: Any) -> str:
        if code is codes.LITERAL:
            character = chr(argument)
            return literal(json.dumps(character, ensure_ascii=False)[1:-1] if self._quoted else character)
        if code is codes.NOT_LITERAL:
            return self._set(_complement([(argument, argument)]))
        if code is codes.ANY:
            return self._set(_complement([(0x0A, 0x0A)]))
        if code is codes.IN:
            return self._set(_members(argument))
        if code is codes.BRANCH:
            return "(" + " | ".join(self.sequence(branch) for branch in argument[1]) + ")"
        if code is codes.SUBPATTERN:
            _group, added, removed, inner = argument
            if added or removed:
                raise _beyond("flags")
            return f"({self.sequence(inner)})"
        if code in _REPEATS:
            return self._repeated(*argument)
        raise _beyond(str(code).lower().replace("_", " "))

    def _repeated(self, least: int, most: Any, inner: Any) -> str:
        least, most, inner = _flattened(least, most, inner)
        bounds = f"{{{least},}}" if most is codes.MAXREPEAT else f"{{{least},{most}}}"
        return f"({self._within(inner, max(least, 1) if most is codes.MAXREPEAT else most)}){bounds}"

    def _within(self, inner: Any, most: int) -> str:
        before = self._times, self._empty
        self._times *= max(most, 1)
        if most > 1 and inner.getwidth()[0] == 0:
            self._empty *= most
        try:
            self._bounded()
            return self.sequence(inner)
        finally:
            self._times, self._empty = before

    def _bounded(self) -> None:
        if self._times > _MOST_REPEATED:
            raise StructureImpossible(
                f"The regular expression repeats something {self._times} times; {_MOST_REPEATED} is the most.",
                remedy="Lower its limits.",
            )
        if self._empty > _MOST_EMPTY:
            raise StructureImpossible(
                f"The regular expression repeats something that may be empty {self._empty} times; {_MOST_EMPTY} is "
                "the most.",
                remedy="Have each repetition begin with something, or lower its limits.",
            )

    def _set(self, ranges: list[Range]) -> str:
        if not self._quoted:
            return _class(ranges)
        plain = _complement(_MUST_BE_ESCAPED, ranges)
        escaped = [json.dumps(chr(c))[1:-1] for c in _ESCAPED if any(low <= c <= high for low, high in ranges)]
        if not escaped:
            return _class(plain)
        return "(" + " | ".join([*([_class(plain)] if plain else []), *map(literal, escaped)]) + ")"


def _flattened(least: int, most: Any, inner: Any) -> tuple[int, Any, Any]:
    """The same repetition of what may be empty as one of what may not: `(a?){9}` is `a{0,9}`, `(a*)*` is `a*`.

    A grammar tries each way of being empty, and their number grows as a power of the bounds.
    """
    bare = _ungrouped(inner)
    if len(bare) != 1 or bare[0][0] not in _REPEATS or most == 0:
        return least, most, inner
    fewest, within, core = _flattened(*bare[0][1])
    if fewest > 0:
        return least, most, inner
    return 0, codes.MAXREPEAT if codes.MAXREPEAT in (most, within) else most * within, core


def _ungrouped(items: Any) -> Any:
    while len(items) == 1 and items[0][0] is codes.SUBPATTERN and not (items[0][1][1] or items[0][1][2]):
        items = items[0][1][3]
    return items


def _members(items: Sequence[Any]) -> list[Range]:
    negated = bool(items) and items[0][0] is codes.NEGATE
    ranges: list[Range] = []
    broad = False
    for code, argument in items[1:] if negated else items:
        if code is codes.LITERAL:
            ranges.append((argument, argument))
        elif code is codes.RANGE:
            ranges.append(argument)
        elif code is codes.CATEGORY:
            broad = True
            other = _OTHERS.get(argument)
            ranges += _complement(_CLASSES[other], _ASCII) if other is not None else _CLASSES[argument]
        else:
            raise _beyond(str(code).lower())
    return _complement(ranges, _ASCII if broad else _ALL) if negated else ranges


def _complement(ranges: Iterable[Range], within: Sequence[Range] = _ALL) -> list[Range]:
    left: list[Range] = []
    for start, high in within:
        low = start
        for first, last in sorted(r for r in ranges if r[1] >= start and r[0] <= high):
            if first > low:
                left.append((low, first - 1))
            low = max(low, last + 1)
        if low <= high:
            left.append((low, high))
    return left


def _class(ranges: Iterable[Range]) -> str:
    parts = [_escaped(a) if a == b else f"{_escaped(a)}-{_escaped(b)}" for a, b in ranges]
    if not parts:
        raise StructureImpossible("The regular expression has a class that no character is in.")
    return f"[{''.join(parts)}]"


def _escaped(code: int) -> str:
    character = chr(code)
    if character.isascii():
        return character if character.isalnum() else f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _beyond(what: str) -> StructureImpossible:
    return StructureImpossible(
        f"The regular expression uses {what}, which no grammar can express.",
        remedy="Write it without look-around, back references and flags.",
    )
