"""Phrases: texts with choices, which say one thing in many ways.

`(a|b)` is one of them, `[a]` perhaps nothing, `{slot}` what the slot holds. A phrase is drawn anew each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import TypeAlias

__all__ = ["Fill", "draw", "drawn_from", "pattern", "variants"]

Fill: TypeAlias = "Mapping[str, str] | Callable[[str], str]"
_Node: TypeAlias = "str | tuple[str, object]"


def draw(phrase: str, random: Random, fill: Fill) -> str:
    """Return one of the texts that a phrase stands for."""
    look = fill if callable(fill) else fill.__getitem__
    return " ".join(_say(_parsed(phrase), random, look).split())


def drawn_from(phrases: Sequence[str], random: Random, fill: Fill) -> str:
    """The same of one of several phrases, each as likely as it has variants, within bounds."""
    weights = [min(variants(phrase), 60) ** 0.5 for phrase in phrases]
    return draw(random.choices(phrases, weights)[0], random, fill)


@cache
def variants(phrase: str) -> int:
    """How many texts a phrase stands for, its slots left as they are."""
    return _count(_parsed(phrase))


def pattern(phrase: str, slots: Callable[[str], str], words: Callable[[str], str] = re.escape) -> str:
    """A regular expression for every text of a phrase in plain form.

    `slots` gives that of what a slot holds, `words` that of a word, which others may stand for.
    """
    return _expression(_parsed(phrase), slots, words)


def _expression(nodes: tuple[_Node, ...], slots: Callable[[str], str], words: Callable[[str], str]) -> str:
    parts = []
    for node in nodes:
        if isinstance(node, str):
            text = re.sub(r"[^\w\s]", "", node.casefold())
            parts.append(re.sub(r"\S+|\s+", lambda found: r"\s*" if found[0].isspace() else words(found[0]), text))
        elif node[0] == "slot":
            parts.append(f"(?:{slots(str(node[1]))})")
        else:
            options: tuple[tuple[_Node, ...], ...] = node[1]  # type: ignore[assignment]
            parts.append(f"(?:{'|'.join(_expression(option, slots, words) for option in options)})")
    return "".join(parts)


@cache
def _parsed(phrase: str) -> tuple[_Node, ...]:
    nodes, end = _read(phrase, 0, "")
    assert end == len(phrase), phrase
    return nodes


def _read(text: str, at: int, until: str) -> tuple[tuple[_Node, ...], int]:
    """A sequence up to one of the characters in `until`."""
    nodes: list[_Node] = []
    while at < len(text) and text[at] not in until:
        if text[at] in "([":
            close = ")" if text[at] == "(" else "]"
            options, at = _options(text, at + 1, close)
            nodes.append(("one", options if close == ")" else (*options, ())))
        elif text[at] == "{":
            end = text.index("}", at)
            nodes.append(("slot", text[at + 1 : end]))
            at = end + 1
        else:
            end = at
            while end < len(text) and text[end] not in "([{" + until:
                end += 1
            nodes.append(text[at:end])
            at = end
    return tuple(nodes), at


def _options(text: str, at: int, close: str) -> tuple[tuple[tuple[_Node, ...], ...], int]:
    options = []
    while True:
        option, at = _read(text, at, "|" + close)
        options.append(option)
        if text[at] == close:
            return tuple(options), at + 1
        at += 1


def _say(nodes: tuple[_Node, ...], random: Random, look: Callable[[str], str]) -> str:
    said = []
    for node in nodes:
        if isinstance(node, str):
            said.append(node)
        elif node[0] == "slot":
            said.append(look(str(node[1])))
        else:
            options: tuple[tuple[_Node, ...], ...] = node[1]  # type: ignore[assignment]
            said.append(_say(random.choice(options), random, look))
    return "".join(said)


def _count(nodes: tuple[_Node, ...]) -> int:
    total = 1
    for node in nodes:
        if not isinstance(node, str) and node[0] == "one":
            total *= sum(_count(option) for option in node[1])  # type: ignore[attr-defined]
    return total
