"""What is asked of the language model, and how its answer is read. All of it runs on the background's event loop."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from shared.errors import SottoError
from sotto.errors import Busy, GenerationFailed, InvalidRequest, NoModel, NotFinished, PromptTooLong

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue

    from shared.events import LlmResponse
    from sotto.door import Door

__all__ = ["Options", "Prompt", "chosen", "formed", "matching", "pieces", "text"]

M = TypeVar("M", bound="BaseModel")

Prompt = str | Sequence[tuple[str, str]]
"""A question; or a conversation, as (role, words) with the roles `system`, `user` and `assistant`."""

_REASONS: dict[str, type[SottoError]] = {
    "no-model": NoModel,
    "too-long": PromptTooLong,
    "overloaded": Busy,
    "invalid": InvalidRequest,
}


class Options(TypedDict, total=False):
    """What all functions that generate take besides."""

    system: str
    """Instructions before the question."""
    model: str
    """Name of an installed model, or the path of a GGUF; the best one by default."""
    max_tokens: int
    """Of the answer, 512 by default."""
    temperature: float
    """0, the default, takes the likeliest token."""
    seed: int
    """42 by default: the same seed draws the same."""
    stop: str | Sequence[str]
    """Text, or texts, that end the answer and are no part of it."""
    strict: bool
    """True, the default: the same bits again whatever else is computed, and remembered between runs."""


async def pieces(
    door: Door, prompt: Prompt, options: Options, structure: dict[str, Any] | None = None
) -> AsyncGenerator[str, None]:
    """Yield the answer's text as it comes. Raises the errors of `sotto.errors`."""
    await door.ready()
    from pydantic import ValidationError

    from shared.events import LlmDelta, LlmFailed, LlmResponse

    ended: LlmResponse | None = None
    try:
        async for event in door.stream(_fields(prompt, options, structure)):
            if isinstance(event, LlmFailed):
                raise _REASONS.get(event.reason, GenerationFailed)(event.message)
            if isinstance(event, LlmDelta) and event.text:
                yield event.text
            if isinstance(event, LlmResponse):
                ended = event
    except SottoError as error:
        raise _own(error) from error
    except ValidationError as error:
        raise InvalidRequest(f"This cannot be asked: {error}.", remedy="Give texts and numbers as they are.") from error
    if structure is not None and (ended is None or ended.finish != "stop"):
        raise _cut_off(ended)


async def text(door: Door, prompt: Prompt, options: Options, structure: dict[str, Any] | None = None) -> str:
    """Return the whole answer."""
    return "".join([piece async for piece in pieces(door, prompt, options, structure)])


async def matching(door: Door, prompt: Prompt, pattern: str, options: Options) -> str:
    """Return an answer that matches the pattern as a whole."""
    if not isinstance(pattern, str) or not pattern:
        raise InvalidRequest("There is no pattern.", remedy='Give a regular expression, as in "[0-9]+".')
    return await text(door, prompt, options, {"regex": pattern})


async def chosen(door: Door, prompt: Prompt, choices: Sequence[str], options: Options) -> str:
    """Return one of the choices."""
    if isinstance(choices, str) or not isinstance(choices, Iterable) or not (given := tuple(choices)):
        raise InvalidRequest("There is nothing to choose from.", remedy='Give texts, as in ["yes", "no"].')
    return await text(door, prompt, options, {"choices": given})


async def formed(
    door: Door, prompt: Prompt, schema: type[BaseModel] | dict[str, JsonValue], options: Options
) -> BaseModel | JsonValue:
    """Return the answer as the JSON value that the schema allows, or as an instance of the pydantic model."""
    if isinstance(schema, dict):
        return await _parsed(door, prompt, schema, options)
    await door.ready()
    from pydantic import BaseModel

    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return await _instance(door, prompt, schema, options)
    raise InvalidRequest(
        "The schema is neither a JSON schema nor a pydantic model.",
        remedy='Give a dict, as in {"type": "integer"}, or a subclass of BaseModel.',
    )


async def _parsed(door: Door, prompt: Prompt, schema: dict[str, JsonValue], options: Options) -> JsonValue:
    value: JsonValue = json.loads(await text(door, prompt, options, {"json_schema": schema}))
    return value


async def _instance(door: Door, prompt: Prompt, model: type[M], options: Options) -> M:
    from pydantic import ValidationError

    value = await _parsed(door, prompt, model.model_json_schema(), options)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(
            f"{model.__name__} refuses what its schema allows: {error}.", remedy="Loosen its validators."
        ) from error


def _fields(prompt: Prompt, options: Options, structure: dict[str, Any] | None) -> dict[str, Any]:
    from shared.events import Message, Structure

    for name in options:
        if name not in Options.__annotations__:
            known = ", ".join(Options.__annotations__)
            raise InvalidRequest(f"There is no option {name}.", remedy=f"There are {known}, and errors.")
    said = _said(prompt)
    if options.get("system"):
        said.insert(0, ("system", options["system"]))
    stop = options.get("stop", ())
    return {
        "messages": tuple(Message.model_validate({"role": role, "content": content}) for role, content in said),
        "tools": (),
        "structure": Structure(**(structure or {})),
        "model": options.get("model", ""),
        "max_tokens": options.get("max_tokens", 512),
        "temperature": options.get("temperature", 0.0),
        "seed": options.get("seed", 42),
        "stop": (stop,) if isinstance(stop, str) else stop,
        "mode": "strict" if options.get("strict", True) else "fast",
        "priority": "background",
    }


def _said(prompt: Prompt) -> list[tuple[str, str]]:
    if isinstance(prompt, str):
        return [("user", prompt)]
    try:
        return [(role, words) for role, words in prompt]
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            "The prompt is neither a text nor a list of pairs.", remedy='Give a text, or pairs as in [("user", "Hi.")].'
        ) from error


def _own(error: SottoError) -> SottoError:
    """The error as one of this package's."""
    if type(error).__module__ == "sotto.errors":
        return error
    kind = InvalidRequest if type(error).__name__ in ("CodecError", "BadMessage", "Refused") else GenerationFailed
    return kind(error.message, remedy=error.remedy)


def _cut_off(ended: LlmResponse | None) -> NotFinished:
    how = f"{ended.usage.completion_tokens} tokens ({ended.finish})" if ended is not None else "nothing"
    return NotFinished(f"The answer ended after {how}, before it had its form.", remedy="Raise max_tokens.")
