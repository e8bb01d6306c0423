"""Reading plain text quickly: ASCII, word by word, as BERT's tokenisers do, from what tokenizer.json says of them.

A word that the model knows as a whole is one look-up; another is cut into the longest pieces that it knows. The ids of
every text are those of the tokeniser itself, which is not needed for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from services.embedding.port import Passage

__all__ = ["PlainReader", "plain_reader"]

_PLAIN = re.compile(r"[\t\n\r -;=-Z\\-~]{0,2000}")
"""ASCII, but what only stands in names of special tokens: `<` and `[`."""
_PARTS = re.compile(r"[A-Za-z0-9]+|[!-~]")


class _Pieces(NamedTuple):
    """The model of a tokeniser: WordPiece."""

    vocab: Mapping[str, int]
    unk_token: str
    continuing_subword_prefix: str
    max_input_chars_per_word: int


class PlainReader:
    """Reads with the words of a tokeniser, between the tokens that it puts around each text."""

    def __init__(self, pieces: _Pieces, before: Sequence[int], after: Sequence[int], *, lower: bool, size: int) -> None:
        self.size = size
        """How many tokens there are."""
        self._words = pieces.vocab
        self._unknown = pieces.vocab[pieces.unk_token]
        self._inner = pieces.continuing_subword_prefix
        self._longest = pieces.max_input_chars_per_word
        self._lower = lower
        self._before, self._after = before, after

    def reads(self, text: str) -> bool:
        """Whether a text is plain."""
        return _PLAIN.fullmatch(text) is not None

    def read(self, text: str, most: int) -> Passage | None:
        """Return a text as at most `most` ids; None for one that is not plain."""
        if _PLAIN.fullmatch(text) is None:
            return None
        words, ids = self._words, list(self._before)
        for part in _PARTS.findall(text.lower() if self._lower else text):
            known = words.get(part) if len(part) <= self._longest else None
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

    @cached_property
    def _reach(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self._words))

    def _cut(self, word: str) -> Sequence[int]:
        """The pieces of a word, each the longest from the left; one that stands for any if there are others."""
        if len(word) > self._longest:
            return (self._unknown,)
        ids: list[int] = []
        at, before = 0, ""
        while at < len(word):
            for end in range(min(len(word), at + self._reach), at, -1):
                known = self._words.get(before + word[at:end])
                if known is not None:
                    break
            else:
                return (self._unknown,)
            ids.append(known)
            at, before = end, self._inner
        return ids


def plain_reader(raw: bytes | str) -> PlainReader | None:
    """Return what reads like the tokeniser of a tokenizer.json, if that is of BERT's kind."""
    try:
        made = json.loads(raw)
        kinds = tuple(made[part]["type"] for part in ("normalizer", "pre_tokenizer", "model"))
        added = [token["content"] for token in made["added_tokens"]]
        around = _around(made["post_processor"])
        if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece") or any(map(_PLAIN.fullmatch, added)):
            return None
        pieces = _Pieces(*(made["model"][name] for name in _Pieces._fields))
        size = len(pieces.vocab) + len(set(added) - pieces.vocab.keys())
        return around and PlainReader(pieces, *around, lower=made["normalizer"]["lowercase"], size=size)
    except (ValueError, KeyError, TypeError):
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
