"""What is asked of the language model, and how its answer is read. All of it runs on the background's event loop."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from shared.errors import SottoError
from sotto.errors import Busy, GenerationFailed, InvalidRequest, NoModel, NotFinished, PromptTooLong

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue

    from shared.events import LlmResponse
    from sotto.door import Door

__all__ = ["Options", "Prompt", "instance", "parsed", "pieces", "text"]

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
    stop: Sequence[str]
    """Texts that end the answer and are not part of it."""
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


async def parsed(door: Door, prompt: Prompt, schema: dict[str, JsonValue], options: Options) -> JsonValue:
    """Return the answer as the JSON value that the schema allows."""
    value: JsonValue = json.loads(await text(door, prompt, options, {"json_schema": schema}))
    return value


async def instance(door: Door, prompt: Prompt, model: type[M], options: Options) -> M:
    """Return the answer as an instance of a pydantic model."""
    from pydantic import ValidationError

    value = await parsed(door, prompt, model.model_json_schema(), options)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(
            f"{model.__name__} refuses what its schema allows: {error}.", remedy="Loosen its validators."
        ) from error


def _fields(prompt: Prompt, options: Options, structure: dict[str, Any] | None) -> dict[str, Any]:
    from shared.events import Message, Structure

    said = [("user", prompt)] if isinstance(prompt, str) else list(prompt)
    if options.get("system"):
        said.insert(0, ("system", options["system"]))
    return {
        "messages": tuple(Message.model_validate({"role": role, "content": content}) for role, content in said),
        "tools": (),
        "structure": Structure(**(structure or {})),
        "model": options.get("model", ""),
        "max_tokens": options.get("max_tokens", 512),
        "temperature": options.get("temperature", 0.0),
        "seed": options.get("seed", 42),
        "stop": tuple(options.get("stop", ())),
        "mode": "strict" if options.get("strict", True) else "fast",
        "priority": "background",
    }


def _own(error: SottoError) -> SottoError:
    """The error as one of this package's."""
    if type(error).__module__ == "sotto.errors":
        return error
    kind = InvalidRequest if type(error).__name__ in ("CodecError", "BadMessage", "Refused") else GenerationFailed
    return kind(error.message, remedy=error.remedy)


def _cut_off(ended: LlmResponse | None) -> NotFinished:
    how = f"{ended.usage.completion_tokens} tokens ({ended.finish})" if ended is not None else "nothing"
    return NotFinished(f"The answer ended after {how}, before it had its form.", remedy="Raise max_tokens.")
