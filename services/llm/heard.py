"""The words of a conversation as a rule of a grammar.

A small model copies rare names by their pieces and may slip among them. Where the form of its answers leaves the rule
`heard` open, the words of the conversation fill it: then it copies a word whole, or another, but never one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from services.llm.pattern import literal
from shared.events import Message

__all__ = ["alternatives", "with_heard"]

_OPEN = re.compile(r"\bheard\b(?!\s*::=)")
_WORD = re.compile(r"[^\s\"\\<>|_\x00-\x1f\x7f\ud800-\udfff\ufffd]{1,40}")
_MARKS = ".,!?;:…()[]{}-"
_MOST = 400
"""Words, the last that were said."""


def with_heard(form: str, messages: Sequence[Message]) -> str:
    """The grammar with its rule `heard`, where it asks for one and does not say it."""
    if not _OPEN.search(form) or re.search(r"^heard\s*::=", form, re.MULTILINE):
        return form
    words: dict[str, None] = {}
    for message in reversed(messages):
        for found in _WORD.findall(message.content):
            if word := found.strip(_MARKS):
                words[word] = words[word[0].swapcase() + word[1:]] = None
        if len(words) > _MOST:
            break
    return f"{form}heard ::= {alternatives(words or ['nothing'])}\n"


def alternatives(words: Iterable[str]) -> str:
    """Any of the words, by their first letters, so that few are tried at once."""
    beginnings: dict[str, list[str]] = {}
    for word in words:
        beginnings.setdefault(word[0], []).append(word[1:])
    return " | ".join(
        f"{literal(first)} ({' | '.join(map(literal, rests))})" for first, rests in sorted(beginnings.items())
    )
