"""Meaning for the language model: vectors of texts, how alike texts are, and what of memory is nearest to a text.

No sentence leads here: they are tools alone, offered where the settings say so, because each tool takes a part of what
a small model can keep in mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, JsonValue

from services.skills.meaning import Meaning, NoVectors
from services.skills.remembering import Memory, MemoryOff, MemoryUnavailable
from services.skills.skill import Answer, Arguments, Asked, Skill
from shared.events import Remembered

__all__ = ["CompareMeaning", "EmbedText", "SearchMemory"]

_MOST_TEXTS = 32
_MOST_NUMBERS = 64
"""Of a vector that a model is told: every number is some tokens."""


class EmbedArguments(Arguments):
    """What becomes a vector."""

    text: str = Field(min_length=1, max_length=4000, description="The text.")
    dimensions: int = Field(16, ge=1, le=_MOST_NUMBERS, description="How many numbers; fewer are coarser.")


class EmbedText(Skill[EmbedArguments]):
    """Turn a text into the numbers of its meaning, a vector of length 1."""

    name = "embed_text"
    arguments = EmbedArguments

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning

    async def answer(self, arguments: EmbedArguments, asked: Asked) -> Answer:
        try:
            [vector] = await self._meaning.vectors([arguments.text], dimensions=arguments.dimensions)
        except NoVectors as error:
            return _without(error)
        return Answer("", {"vector": [round(number, 4) for number in vector]})


class CompareArguments(Arguments):
    """What is compared with what."""

    text: str = Field(min_length=1, max_length=4000, description="The text that the others are compared with.")
    others: list[str] = Field(min_length=1, max_length=_MOST_TEXTS, description="The other texts.")


class CompareMeaning(Skill[CompareArguments]):
    """Say how alike texts are in meaning, from 1 (the same) to 0 (nothing in common), the most alike first."""

    name = "compare_meaning"
    arguments = CompareArguments

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning

    async def answer(self, arguments: CompareArguments, asked: Asked) -> Answer:
        try:
            first, *others = await self._meaning.vectors([arguments.text, *arguments.others])
        except NoVectors as error:
            return _without(error)
        alike = [sum(a * b for a, b in zip(first, other, strict=True)) for other in others]
        ranked = sorted(zip(alike, arguments.others, strict=True), key=lambda pair: -pair[0])
        return Answer("", {"alike": [{"text": text, "similarity": round(cosine, 4)} for cosine, text in ranked]})


class SearchArguments(Arguments):
    """What is looked for."""

    text: str = Field(min_length=1, max_length=400, description="What to look for.")
    what: Literal["anything", "facts", "conversations", "documents"] = Field("anything", description="Where to look.")
    limit: int = Field(5, ge=1, le=20, description="How many at most.")


class SearchMemory(Skill[SearchArguments]):
    """Find what is nearest in meaning among what the user told, what was talked about, and their documents."""

    name = "search_memory"
    arguments = SearchArguments

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def answer(self, arguments: SearchArguments, asked: Asked) -> Answer:
        kind = {"facts": "fact", "conversations": "turn", "documents": "document"}.get(arguments.what)
        try:
            found = await self._memory.find(
                "search", arguments.text, what=(kind,) if kind else (), limit=arguments.limit
            )
        except (MemoryOff, MemoryUnavailable):
            return Answer(asked.words.say("memory", "unavailable"), {"error": "memory does not answer"}, failed=True)
        return Answer("", {"found": _rows(found)})


def _rows(found: Sequence[Remembered]) -> list[JsonValue]:
    """Each with what an answer cites: its date, or its file and place."""
    rows: list[JsonValue] = []
    for item in found:
        row: dict[str, JsonValue] = {"text": item.text, "score": item.score}
        if item.what == "document":
            row |= {"file": item.source, "place": item.place}
        else:
            row["said_on"] = datetime.fromtimestamp(item.at / 1e9, UTC).date().isoformat()
        rows.append(row)
    return rows


def _without(error: NoVectors) -> Answer:
    return Answer(str(error), {"error": str(error)}, failed=True)
