"""Reading texts as a model does: a Hugging Face tokeniser, cut to what the model reads, and its prompts.

Where plain text can be read without the tokeniser, that is loaded with the first text that is not plain.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from services.embedding.engines.plain import PlainReader, plain_words, reader_of
from services.embedding.port import AT_ONCE, EngineMissing, ModelUnusable, Passage, Purpose

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from services.embedding.weights import Weights

__all__ = ["Reader"]

_LEAST = 4
"""Tokens that leave room for a word, beside the three that stand around a pair of texts."""
_CHARACTERS_PER_TOKEN = 64
"""A text is cut to so many for each token before it is tokenised, which is linear in its length."""


class Reader:
    """The tokeniser of a model. Raises ModelUnusable for one that does not fit the weights, EngineMissing."""

    def __init__(self, weights: Weights, max_tokens: int) -> None:
        if importlib.util.find_spec("tokenizers") is None:
            raise EngineMissing("tokenizers is not installed.", remedy="Run `scripts/setup memory`.")
        architecture = weights.architecture
        self._name = weights.name
        self._raw = weights.tokenizer()
        self.max_tokens = min(
            max(max_tokens, _LEAST) if max_tokens else architecture.max_tokens, architecture.positions
        )
        self._prompts = architecture.prompts
        self._words = architecture.words
        self._plain = _plain(weights.words()) or _plain(plain_words(self._raw))
        known = self._tokenizer.get_vocab_size() if self._plain is None else self._plain.size
        if known > self._words:
            raise ModelUnusable(f"{self._name}: its tokeniser knows more words than it.", remedy="Pull it again.")

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        """See Encoder: once the tokeniser is loaded, or where it is not needed."""
        if sum(map(len, texts)) > AT_ONCE:
            return False
        prompt = self._prompts.get(purpose, "")
        return "_tokenizer" in vars(self) or (
            self._plain is not None and all(self._plain.reads(prompt + text) for text in texts)
        )

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        """Return each text's ids, special tokens included. Any text is readable."""
        prompt = self._prompts.get(purpose, "")
        return [self._passage(prompt + text) for text in texts]

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        """Return the ids of the query with each text; those of the second are that many words further on."""
        return [self._pair(query, text) for text in texts]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_str(self._raw.decode())
        except Exception as error:
            raise ModelUnusable(f"{self._name}: its tokeniser is none ({error}).", remedy="Pull it again.") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer

    def _pair(self, query: str, text: str) -> Passage:
        most = self.max_tokens * _CHARACTERS_PER_TOKEN
        encoding = self._tokenizer.encode(_whole(query[:most]), _whole(text[:most]))
        ids = [one + self._words * kind for one, kind in zip(encoding.ids, encoding.type_ids, strict=True)]
        return Passage(ids, max(len(query), len(text)) > most or bool(encoding.overflowing))

    def _passage(self, text: str) -> Passage:
        passage = self._plain.read(text, self.max_tokens) if self._plain is not None else None
        if passage is not None:
            return passage
        most = self.max_tokens * _CHARACTERS_PER_TOKEN
        encoding = self._tokenizer.encode(_whole(text[:most]))
        return Passage(encoding.ids, len(text) > most or bool(encoding.overflowing))


def _plain(told: bytes | None) -> PlainReader | None:
    return reader_of(told) if told is not None else None


def _whole(text: str) -> str:
    """The text with halves of surrogate pairs replaced, which have no UTF-8 form."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
