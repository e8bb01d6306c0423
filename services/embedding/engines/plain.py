"""Reading plain text quickly: ASCII, word by word, as BERT's tokenisers do, from what tokenizer.json says of them.

A word that the model knows as a whole is one look-up; another is cut into the longest pieces that it knows. The ids of
every text are those of the tokeniser itself, which is not needed for them. What is needed is written down when a model
is converted, for it is read in a third of the time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain, count
from typing import Any, NamedTuple

from services.embedding.port import Passage

__all__ = ["PlainReader", "plain_words", "reader_of"]

_PLAIN = re.compile(r"[\t\n\r -;=-Z\\-~]{0,2000}")
"""ASCII, but what only stands in names of special tokens: `<` and `[`."""
_NAMED = re.compile(r"[<\[]")
_PARTS = re.compile(r"[A-Za-z0-9]+|[!-~]")
_SEARCHES = 64
_VERSION = 1
"""Of what is written down; another is made anew from tokenizer.json."""


class _Told(NamedTuple):
    """What a tokeniser does with plain text."""

    words: str
    """A line for each id; empty for what is in no plain text."""
    inner: str
    """What pieces within a word begin with."""
    unknown: int
    longest: int
    """Characters of a word that is looked at."""
    lower: bool
    before: Sequence[int]
    after: Sequence[int]
    size: int
    """How many tokens there are."""


class _Words:
    """The ids of words. The first few are searched for, which takes less time than to make a dictionary of all."""

    def __init__(self, lines: str) -> None:
        self._lines = f"\n{lines}\n"
        self._searches = 0
        self._made: dict[str, int] | None = None

    def get(self, word: str) -> int | None:
        """Return the id of a word, or None."""
        if self._made is None:
            self._searches += 1
            if self._searches <= _SEARCHES:
                at = self._lines.find(f"\n{word}\n")
                return self._lines.count("\n", 0, at) if at >= 0 else None
            self._made = dict(zip(self._lines[1:-1].split("\n"), count(), strict=False))
        return self._made.get(word)

    @cached_property
    def longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self._lines.split("\n")))


class PlainReader:
    """Reads with the words of a tokeniser, between the tokens that it puts around each text."""

    def __init__(self, told: _Told) -> None:
        self.size = told.size
        """How many tokens there are."""
        self._words = _Words(told.words)
        self._unknown, self._inner, self._longest = told.unknown, told.inner, told.longest
        self._lower, self._before, self._after = told.lower, told.before, told.after

    def reads(self, text: str) -> bool:
        """Whether a text is plain."""
        return _PLAIN.fullmatch(text) is not None

    def read(self, text: str, most: int) -> Passage | None:
        """Return a text as at most `most` ids; None for one that is not plain."""
        if _PLAIN.fullmatch(text) is None:
            return None
        get, ids = self._words.get, list(self._before)
        for part in _PARTS.findall(text.lower() if self._lower else text):
            known = get(part) if len(part) <= self._longest else None
            if known is not None:
                ids.append(known)
            else:
                ids += self._cut(part)
        room = most - len(self._after)
        truncated = len(ids) > room
        if truncated:
            del ids[room:]
        ids += self._after
        return Passage(ids, truncated)

    def _cut(self, word: str) -> Sequence[int]:
        """The pieces of a word, each the longest from the left; one that stands for any if there are others."""
        if len(word) > self._longest:
            return (self._unknown,)
        get, reach = self._words.get, self._words.longest
        ids: list[int] = []
        at, before = 0, ""
        while at < len(word):
            for end in range(min(len(word), at + reach), at, -1):
                known = get(before + word[at:end])
                if known is not None:
                    break
            else:
                return (self._unknown,)
            ids.append(known)
            at, before = end, self._inner
        return ids


def reader_of(told: bytes) -> PlainReader | None:
    """Return what reads as `plain_words` told, if that was of this version."""
    fields = json.loads(told)
    return PlainReader(_Told(**fields)) if fields.pop("version", 0) == _VERSION else None


def plain_words(raw: bytes | str) -> bytes | None:
    """Return what plain text is read with, as JSON, if a tokenizer.json is of BERT's kind."""
    try:
        made = json.loads(raw)
        kinds = tuple(made[part]["type"] for part in ("normalizer", "pre_tokenizer", "model"))
        added = [token["content"] for token in made["added_tokens"]]
        around = _around(made["post_processor"])
        model = made["model"]
        ids, inner = model["vocab"], model["continuing_subword_prefix"]
        words = sorted(ids, key=ids.__getitem__)
        if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece"):
            return None
        if not all(_NAMED.search(token) for token in added):  # another may be found in a text once that is normalised
            return None
        if around is None or [ids[word] for word in words] != [*range(len(words))]:
            return None
        told = _Told(
            words="\n".join(
                word if _PARTS.fullmatch(word) or _PARTS.fullmatch(word.removeprefix(inner)) else "" for word in words
            ),
            inner=inner,
            unknown=ids[model["unk_token"]],
            longest=model["max_input_chars_per_word"],
            lower=made["normalizer"]["lowercase"],
            before=around[0],
            after=around[1],
            size=len(words) + len(set(added) - ids.keys()),
        )
        return json.dumps({"version": _VERSION, **told._asdict()}).encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _around(processor: Mapping[str, Any]) -> tuple[Sequence[int], Sequence[int]] | None:
    """The tokens before and after each text."""
    match processor:
        case {"type": "BertProcessing" | "RobertaProcessing", "cls": [_, first], "sep": [_, last]}:
            return [first], [last]
        case {"type": "TemplateProcessing", "single": pieces, "special_tokens": special}:
            names = [piece["SpecialToken"]["id"] if "SpecialToken" in piece else None for piece in pieces]
            at = names.index(None)
            before, after = ([special[name]["ids"] for name in part] for part in (names[:at], names[at + 1 :]))
            return [*chain(*before)], [*chain(*after)]
    return None
