"""Reading plain text quickly: letters, figures and common marks of English, word by word, as BERT's tokenisers do.

A word that the model knows as a whole is one look-up; what only other scripts need is left out. The ids of every text
are those of the tokeniser itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["PlainReader", "plain_reader"]

_PLAIN = re.compile(r"[A-Za-z0-9 .,'?!;:-]{0,2000}")
_PARTS = re.compile(r"[A-Za-z0-9]+|[.,'?!;:-]")


class PlainReader:
    """Reads with the words of a tokeniser, between the tokens that it puts around each text."""

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int], after: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._id = tokenizer.token_to_id
        self._lower = tokenizer.normalizer.lowercase
        self._longest = tokenizer.model.max_input_chars_per_word
        self._before, self._after = before, after

    def read(self, text: str, most: int) -> list[int] | None:
        """Return the ids of a text; None for one that is not plain, or has more than `most`."""
        if _PLAIN.fullmatch(text) is None:
            return None
        ids = list(self._before)
        for part in _PARTS.findall(text.lower() if self._lower else text):
            known = self._id(part) if len(part) <= self._longest else None
            if known is not None:
                ids.append(known)
            else:
                ids += self._tokenizer.encode(part, add_special_tokens=False).ids
        ids += self._after
        return ids if len(ids) <= most else None


def plain_reader(tokenizer: Tokenizer) -> PlainReader | None:
    """Return what reads like the tokeniser, if it is of BERT's kind."""
    kinds = tuple(type(part).__name__ for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model))
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece") or any(map(_PLAIN.fullmatch, added)):
        return None
    around, word = tokenizer.encode("").ids, tokenizer.encode("a", add_special_tokens=False).ids
    for at in range(len(around) + 1):
        if tokenizer.encode("a").ids == [*around[:at], *word, *around[at:]]:
            return PlainReader(tokenizer, around[:at], around[at:])
    return None
