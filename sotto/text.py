"""Text from the language model, from a script: the same call gives the same answer.

import sotto

sotto.generate("Name a colour of the sea.")
sotto.generate_json("A person.", {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]})
sotto.generate_choice("Is the sea blue?", ["yes", "no"])

A Sotto that runs (`sotto daemon start`, or a conversation) answers at once; without one the model is loaded into this
process at the first call, and kept until `sotto.close()`. With errors="none" a call that fails gives None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar, Unpack, overload

from sotto import asking
from sotto.asking import Options, Prompt
from sotto.background import background
from sotto.errors import handled

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue

__all__ = ["generate", "generate_choice", "generate_iter", "generate_json", "generate_regex"]

M = TypeVar("M", bound="BaseModel")
Raise = Literal["raise"]
Nothing = Literal["none"]
Errors = Literal["raise", "none"]


@overload
def generate(prompt: Prompt, *, errors: Raise = "raise", **options: Unpack[Options]) -> str: ...
@overload
def generate(prompt: Prompt, *, errors: Nothing, **options: Unpack[Options]) -> str | None: ...
def generate(prompt: Prompt, *, errors: Errors = "raise", **options: Unpack[Options]) -> str | None:
    """Return the answer to a prompt.

    Raises NoModel, PromptTooLong, Busy, InvalidRequest or GenerationFailed, each with what to do.
    """
    with handled(errors):
        return background().run(asking.text(background().door, prompt, options))
    return None


def generate_iter(prompt: Prompt, *, errors: Errors = "raise", **options: Unpack[Options]) -> Iterator[str]:
    """Yield the answer piece by piece as it comes; leaving calls it off. With errors="none" a failure is its end."""
    here = background()
    with handled(errors):
        yield from here.each(asking.pieces(here.door, prompt, options))


@overload
def generate_json(prompt: Prompt, schema: type[M], *, errors: Raise = "raise", **options: Unpack[Options]) -> M: ...
@overload
def generate_json(prompt: Prompt, schema: type[M], *, errors: Nothing, **options: Unpack[Options]) -> M | None: ...
@overload
def generate_json(
    prompt: Prompt, schema: dict[str, JsonValue], *, errors: Errors = "raise", **options: Unpack[Options]
) -> JsonValue: ...
def generate_json(
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
        return background().run(asking.formed(background().door, prompt, schema, options))
    return None


@overload
def generate_regex(prompt: Prompt, pattern: str, *, errors: Raise = "raise", **options: Unpack[Options]) -> str: ...
@overload
def generate_regex(prompt: Prompt, pattern: str, *, errors: Nothing, **options: Unpack[Options]) -> str | None: ...
def generate_regex(prompt: Prompt, pattern: str, *, errors: Errors = "raise", **options: Unpack[Options]) -> str | None:
    """Return an answer that matches the pattern as a whole. Raises as `generate_json` does."""
    with handled(errors):
        return background().run(asking.matching(background().door, prompt, pattern, options))
    return None


@overload
def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Raise = "raise", **options: Unpack[Options]
) -> str: ...
@overload
def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Nothing, **options: Unpack[Options]
) -> str | None: ...
def generate_choice(
    prompt: Prompt, choices: Sequence[str], *, errors: Errors = "raise", **options: Unpack[Options]
) -> str | None:
    """Return one of the choices. Raises as `generate_json` does."""
    with handled(errors):
        return background().run(asking.chosen(background().door, prompt, choices, options))
    return None
