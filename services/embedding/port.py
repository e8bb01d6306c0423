"""The port of embedding: an encoder reads texts as numbers, and makes a vector of each.

Vectors are float32, little-endian, in one run of bytes: rows of `Info.dimensions`, in the order that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from shared.errors import SottoError

__all__ = [
    "AT_ONCE",
    "FLOAT_BYTES",
    "Encoder",
    "EngineMissing",
    "Info",
    "ModelUnusable",
    "NoEmbeddingModel",
    "Overloaded",
    "Passage",
    "Purpose",
    "Ranker",
    "TextsUnusable",
    "usable",
]

FLOAT_BYTES = 4
AT_ONCE = 4096
"""Characters that are read in less time than a change of threads takes; more are not."""

Purpose = Literal["", "query", "passage"]


class NoEmbeddingModel(SottoError):
    """No installed model has the name."""


class ModelUnusable(SottoError):
    """A model's files cannot be used: missing, damaged, swapped, or of a kind that no engine here computes."""


class EngineMissing(SottoError):
    """What the engine needs is not on this machine: a library, or a C compiler."""


class TextsUnusable(SottoError):
    """The request makes no sense: no list of texts, nothing to compare, or more dimensions than the model has."""


class Overloaded(SottoError):
    """More waits already than may; `retry_ms` is about how long until there is room."""

    def __init__(self, message: str, *, retry_ms: int) -> None:
        super().__init__(message, remedy=f"Ask again in {retry_ms} ms.")
        self.retry_ms = retry_ms


class Passage(NamedTuple):
    """A text as the model reads it."""

    ids: Sequence[int]
    truncated: bool
    """The text goes on, but the model reads no further."""


class Info(NamedTuple):
    """Who computes, and what one may expect of the vectors."""

    model: str
    engine: str
    """`native`, `onnx`, `gguf`, `numpy` or `lexical`."""
    detail: str
    """How: the processor's instructions, say; for a person."""
    dimensions: int
    max_tokens: int
    """Longest text that is read, in tokens."""
    fingerprint: str
    """Changes whenever the same text may get another vector."""
    meaning: bool
    """False when texts are compared by their spelling only."""


def usable(texts: Sequence[str], purpose: str = "", dimensions: int = 0) -> tuple[str, ...]:
    """Return the texts that a script gave, if they and the rest can be used. Raises TextsUnusable.

    A text alone is refused: it is a sequence of texts too, of one letter each.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise TextsUnusable(
            f"The texts are of type {type(texts).__name__}, not a list.", remedy='Give a list, as ["a text"].'
        )
    given = tuple(texts)
    for text in given:
        if not isinstance(text, str):
            raise TextsUnusable(f"One of the texts is of type {type(text).__name__}.", remedy="Give strings only.")
    if purpose not in get_args(Purpose):
        raise TextsUnusable(f"{purpose!r} is no purpose.", remedy='Say "query", "passage" or nothing.')
    if not isinstance(dimensions, int) or dimensions < 0:
        raise TextsUnusable(f"There are no vectors of {dimensions!r} dimensions.", remedy="Give a whole number.")
    return given


class Encoder(Protocol):
    """An open model. Its methods may be called from any thread, several at a time."""

    @property
    def info(self) -> Info:
        """Who computes."""
        ...

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        """Whether the texts are read in less time than a change of threads takes: few, and nothing is to be loaded."""
        ...

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        """Return the texts as the model reads them. Any text is readable, the empty one too."""
        ...

    def encode(self, passages: Sequence[Passage]) -> bytes:
        """Return a row for each passage; the bits of a row do not depend on the others."""
        ...

    def close(self) -> None:
        """Let the weights go; nothing may be encoded afterwards. Closing twice is harmless."""
        ...


class Ranker(Protocol):
    """An open cross-encoder, which reads a query together with each text; used like an encoder of one dimension."""

    @property
    def info(self) -> Info:
        """Who computes; `dimensions` is 1."""
        ...

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        """Return the query with each text as the model reads them. Any text is readable, the empty one too."""
        ...

    def encode(self, passages: Sequence[Passage]) -> bytes:
        """Return a number for each pair: the logit of how well the text answers. Bits do not depend on the others."""
        ...

    def close(self) -> None:
        """Let the weights go; nothing may be encoded afterwards. Closing twice is harmless."""
        ...
