"""What requests ask, read from JSON by hand: a fault names the field and what would be right.

An optional field that is null counts as left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import orjson

from services.embedding.port import Purpose
from services.embedding.vectors import FORMS, Form
from services.embedding.web.asgi import Refusal

__all__ = ["MOST_TEXTS", "Embed", "Rerank", "Similarity", "read_embed", "read_openai", "read_rerank", "read_similarity"]

MOST_TEXTS = 2048
"""Texts of one request."""

_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
_OPENAI: tuple[Literal["float", "base64"], ...] = ("float", "base64")

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Embed:
    """Texts whose vectors are wanted, and in which form."""

    texts: list[str]
    model: str
    purpose: Purpose
    dimensions: int
    form: Form


@dataclass(frozen=True, slots=True)
class Similarity:
    """Texts that are compared with others."""

    texts: list[str]
    others: list[str]
    model: str


@dataclass(frozen=True, slots=True)
class Rerank:
    """Texts in the order of how well they answer a query, the best so many of them."""

    query: str
    texts: list[str]
    model: str
    best: int


def read_embed(raw: bytes) -> Embed:
    """`{"inputs": text or texts, "model", "purpose", "dimensions", "encoding_format"}`. Raises Refusal."""
    given = _object(raw, "inputs", "model", "purpose", "dimensions", "encoding_format")
    return Embed(
        texts=_texts(given, "inputs"),
        model=_string(given, "model", ""),
        purpose=_one_of(given, "purpose", _PURPOSES),
        dimensions=_number(given, "dimensions"),
        form=_one_of(given, "encoding_format", FORMS),
    )


def read_openai(raw: bytes) -> Embed:
    """OpenAI's form: `{"input": text or texts, "model", "dimensions", "encoding_format", "user"}`. Raises Refusal."""
    given = _object(raw, "input", "model", "dimensions", "encoding_format", "user")
    return Embed(
        texts=_texts(given, "input"),
        model=_string(given, "model", ""),
        purpose="",
        dimensions=_number(given, "dimensions"),
        form=_one_of(given, "encoding_format", _OPENAI),
    )


def read_similarity(raw: bytes) -> Similarity:
    """`{"inputs": text or texts, "others": text or texts, "model"}`; without others with each other. Raises Refusal."""
    given = _object(raw, "inputs", "others", "model")
    texts = _texts(given, "inputs")
    others = texts if given.get("others") is None else _texts(given, "others")
    return Similarity(texts, others, _string(given, "model", ""))


def read_rerank(raw: bytes) -> Rerank:
    """`{"query", "texts": texts, "top_n", "model"}`. Raises Refusal."""
    given = _object(raw, "query", "texts", "top_n", "model")
    texts = _texts(given, "texts")
    return Rerank(_string(given, "query"), texts, _string(given, "model", ""), _number(given, "top_n") or len(texts))


def _object(raw: bytes, *known: str) -> dict[str, Any]:
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "not_json", f"The body is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise Refusal(422, "invalid", "The body is no JSON object.", remedy=f"Its fields are {', '.join(known)}.")
    for name in given:
        if name not in known:
            raise Refusal(
                422, "invalid", f"{name}: there is no such field.", field=name, remedy=f"There are {', '.join(known)}."
            )
    return given


def _texts(given: dict[str, Any], field: str) -> list[str]:
    texts = given.get(field)
    if isinstance(texts, str):
        return [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refusal(
            422,
            "invalid",
            f"{field}: neither a text nor a list of texts.",
            field=field,
            remedy="Send words, not tokens.",
        )
    if not texts:
        raise Refusal(422, "invalid", f"{field}: there is no text.", field=field, remedy="Send one at least.")
    if len(texts) > MOST_TEXTS:
        raise Refusal(
            413,
            "too_many",
            f"{field}: {len(texts)} texts.",
            field=field,
            remedy=f"Send at most {MOST_TEXTS} at a time.",
        )
    return texts


def _string(given: dict[str, Any], field: str, default: str | None = None) -> str:
    value = given.get(field)
    value = default if value is None else value
    if not isinstance(value, str):
        raise Refusal(422, "invalid", f"{field}: not a text.", field=field, remedy="Send a text.")
    return value


def _number(given: dict[str, Any], field: str) -> int:
    """A number above zero, or 0 where none is given."""
    value = given.get(field)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Refusal(
            422, "invalid", f"{field}: not a whole number above zero.", field=field, remedy="Leave it out for all."
        )
    return value


def _one_of(given: dict[str, Any], field: str, choices: tuple[T, ...]) -> T:
    """One of the choices, the first where none is given."""
    value = given.get(field)
    if value is None:
        return choices[0]
    for choice in choices:
        if value == choice:
            return choice
    named = ", ".join(choice for choice in choices if choice)
    raise Refusal(422, "invalid", f"{field}: not a choice.", field=field, remedy=f"Choose from {named}.")
