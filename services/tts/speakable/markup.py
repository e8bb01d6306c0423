"""Markup: what is written for the eye and says nothing (Markdown, HTML), whatever the language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.tts.speakable.rule import Piece, Rule

__all__ = ["at_line_start", "markup"]

_INDENT = 40
"""Most characters before what begins a line."""

_SILENT = (
    r"!(?=\[)",  # an image
    r"\[\^[^\]\s]{1,40}\]:?",  # a footnote
    r"\[\d{1,3}\](?!\()",  # a citation
    r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?:\s+[\"'][^\"'\n]*[\"'])?\)",  # the address of a link
    r"\]\[[^\]\n]{0,80}\]",  # a link by reference
    r"</?(?!https?:|mailto:|[\w.+-]{1,64}@)[A-Za-z][^<>\n]{0,200}>",  # a tag of HTML
    r"<!--.{0,2000}?-->",
    r"&(?!amp;)(?:[a-z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});",  # an entity
    r"\\[()\[\]]",  # the bounds of a formula
)

_SILENT_LINES = (
    r"#{1,6}(?=\s)",  # a heading
    r"[-*+•‣·](?=\s)",  # an item of a list
    r">+",  # a quotation
    r"(?:[-*_=~]\s?){3,200}(?=\s*(?:\n|\Z))",  # a rule
    r"(?:```|~~~)[\w+-]*(?=\s*(?:\n|\Z))",  # a fence
    r"\|?(?:\s?:?-{2,40}:?\s?\|){1,40}(?:\s?:?-{2,40}:?\s?)?(?=\n|\Z)",  # the line under a table's head
    r"\[[ xX]\](?=\s)",  # a box to tick
)


def markup() -> Iterator[Rule]:
    """Yield the rules of markup."""
    yield Rule(re.compile("|".join(_SILENT), re.DOTALL), lambda _: ())
    yield Rule(re.compile("|".join(_SILENT_LINES)), _line)


def at_line_start(text: str, place: int) -> bool:
    """True when nothing but space and markup of lines stands before `place` in its line."""
    start = max(0, place - _INDENT)
    begin = text.rfind("\n", start, place) + 1
    return (begin > 0 or start == 0) and not text[begin:place].strip(" \t>-*+")


def _line(match: re.Match[str]) -> tuple[Piece, ...] | None:
    return () if at_line_start(match.string, match.start()) else None
