"""The functions of `sotto` for programs with an event loop of their own: the same names, to be awaited.

from sotto import aio

await aio.generate("Name a colour of the sea.")
async for piece in aio.generate_iter("Tell a story."):
    print(piece, end="")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack, overload

from sotto import asking
from sotto.asking import Options, Prompt
from sotto.background import background
from sotto.embedding import Purpose, embedding, ranking
from sotto.errors import handled
from sotto.sound import Speech, Transcript, speaking, transcribing

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel, JsonValue

    from shared.pcm import Floats

__all__ = [
    "embed",
    "generate",
    "generate_choice",
    "generate_iter",
    "generate_json",
    "generate_regex",
    "rerank",
    "similarity",
    "speak",
    "transcribe",
]

M = TypeVar("M", bound="BaseModel")
Raise = Literal["raise"]
Nothing = Literal["none"]
Errors = Literal["raise", "none"]


@overload
async def generate(prompt: Prompt, *, errors: Raise = "raise", **options: Unpack[Options]) -> str: ...
@overload
async def generate(prompt: Prompt, *, errors: Nothing, **options: Unpack[Options]) -> str | None: ...
async def generate(prompt: Prompt, *, errors: Errors = "raise", **options: Unpack[Options]) -> str | None:
    """Return the answer to a prompt.

    Raises NoModel, PromptTooLong, Busy, InvalidRequest or GenerationFailed, each with what to do.
    """
    with handled(errors):
        return await background().awaited(asking.text(background().door, prompt, options))
    return None


async def generate_iter(prompt: Prompt, *, errors: Errors = "raise", **options: Unpack[Options]) -> AsyncIterator[str]:
    """Yield the answer piece by piece as it comes; leaving calls it off. With errors="none" a failure is its end."""
    here = background()
    with handled(errors):
        async for piece in here.each_awaited(asking.pieces(here.door, prompt, options)):
            yield piece


@overload
async def generate_json(
    prompt: Prompt, schema: type[M], *, errors: Raise = "raise", **options: Unpack[Options]
) -> M: ...
@overload
async def generate_json(
    prompt: Prompt, schema: type[M], *, errors: Nothing, **options: Unpack[Options]
) -> M | None: ...
@overload
async def generate_json(
    prompt: Prompt, schema: dict[str, JsonValue], *, errors: Errors = "raise", **options: Unpack[Options]
) -> JsonValue: ...
async def generate_json(
    prompt: Prompt,
    schema: type[BaseModel] | dict[str, JsonValue],
    *,
    errors: Errors = "raise",
    **options: Unpack[Options],
) -> BaseModel | JsonValue:
    """Return the answer as a value of a JSON schema, or as an instance of a pydantic model.

    Raises NotFinished when max_tokens did not suffice, InvalidRequest for a schema that nothing can satisfy, and what
    `generate` raises.
    """
    with handled(errors):
        return await background().awaited(asking.formed(background().door, prompt, schema, options))
    return None


@overload
async def generate_regex(
    prompt: Prompt, pattern: str, *, errors: Raise = "raise", **options: Unpack[Options]
) -> str: ...
@overload
async def generate_regex(
    prompt: Prompt, pattern: str, *, errors: Nothing, **options: Unpack[Options]
) -> str | None: ...
async def generate_regex(
    prompt: Prompt, pattern: str, *, errors: Errors = "raise", **options: Unpack[Options]
) -> str | None:
    """Return an answer that matches the pattern as a whole. Raises as `generate_json` does."""
    with handled(errors):
        return await background().awaited(asking.matching(background().door, prompt, pattern, options))
    return None


@overload
async def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Raise = "raise", **options: Unpack[Options]
) -> str: ...
@overload
async def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Nothing, **options: Unpack[Options]
) -> str | None: ...
async def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Errors = "raise", **options: Unpack[Options]
) -> str | None:
    """Return one of the choices. Raises as `generate_json` does."""
    with handled(errors):
        return await background().awaited(asking.chosen(background().door, prompt, choices, options))
    return None


async def embed(texts: Sequence[str], *, model: str = "", purpose: Purpose = "", dimensions: int = 0) -> Floats:
    """Return each text's vector, of length 1, shape (texts, dimensions). Raises as `sotto.embed` does."""
    return await background().awaited(embedding(background().door, texts, model, purpose, dimensions))


async def similarity(first: str, second: str, *, model: str = "") -> float:
    """Return how near two texts are: 1 for the same, 0 for nothing in common. Raises as `sotto.embed` does."""
    one, two = await embed([first, second], model=model)
    return float(one @ two)


async def rerank(query: str, texts: Sequence[str], *, model: str = "") -> list[tuple[str, float]]:
    """Return the texts with how well each answers the query, the best first. Raises as `sotto.embed` does."""
    return await background().awaited(ranking(background().door, query, texts, model))


@overload
async def transcribe(sound: str | Path | Floats, *, errors: Raise = "raise") -> Transcript: ...
@overload
async def transcribe(sound: str | Path | Floats, *, errors: Nothing) -> Transcript | None: ...
async def transcribe(sound: str | Path | Floats, *, errors: Errors = "raise") -> Transcript | None:
    """Return what is said in a sound file, or in samples at 16 kHz. Raises as `sotto.transcribe` does."""
    with handled(errors):
        return await background().awaited(transcribing(background().door, sound))
    return None


@overload
async def speak(text: str, path: str | Path | None = None, *, errors: Raise = "raise") -> Speech: ...
@overload
async def speak(text: str, path: str | Path | None = None, *, errors: Nothing) -> Speech | None: ...
async def speak(text: str, path: str | Path | None = None, *, errors: Errors = "raise") -> Speech | None:
    """Return a text as sound, and write it into a WAV file where one is named. Raises as `sotto.speak` does."""
    with handled(errors):
        return await background().awaited(speaking(background().door, text, path))
    return None
