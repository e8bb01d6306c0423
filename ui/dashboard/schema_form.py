"""A form for any event, from its JSON schema: which inputs it has, and what a person's entries mean as fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from shared.errors import SottoError

__all__ = ["Input", "NotAValue", "defaults", "inputs", "value_of"]

_ENVELOPE = frozenset({"kind", "version", "id", "at", "source", "session", "turn", "cause", "root", "trace"})

Shape = Literal["text", "whole", "number", "yes-no", "choice", "json"]
Schema = Mapping[str, JsonValue]


class NotAValue(SottoError):
    """What was entered is no value of the field."""


@dataclass(frozen=True, slots=True)
class Input:
    """One field to fill in."""

    name: str
    shape: Shape
    choices: tuple[str, ...] = ()
    optional: bool = False
    """It may be null."""
    required: bool = True
    example: JsonValue = ""
    help: str = ""


def inputs(schema: Schema) -> list[Input]:
    """Return the inputs of an event's own fields, in the schema's order."""
    properties = schema.get("properties")
    required = schema.get("required")
    names = set(required) if isinstance(required, list) else set()
    if not isinstance(properties, dict):
        return []
    own = ((name, part) for name, part in properties.items() if name not in _ENVELOPE and isinstance(part, dict))
    return [_input(name, part, schema, required=name in names) for name, part in own]


def value_of(input: Input, entered: str | bool) -> JsonValue:
    """Return what was entered as a JSON value; raises NotAValue, naming the field."""
    if isinstance(entered, bool):
        return entered
    if input.optional and not entered.strip():
        return None
    if input.shape in ("text", "choice"):
        return entered
    try:
        return _number(input.shape, entered) if input.shape in ("whole", "number") else json.loads(entered)
    except ValueError as error:
        wanted = {"whole": "a whole number", "number": "a number"}.get(input.shape, "JSON")
        raise NotAValue(f"{input.name}: {entered!r} is not {wanted}.") from error


def defaults(found: Sequence[Input]) -> dict[str, JsonValue]:
    """Return an example: a value for each required input."""
    return {input.name: input.example for input in found if input.required}


def _number(shape: Shape, entered: str) -> JsonValue:
    return int(entered) if shape == "whole" else float(entered)


def _input(name: str, part: Schema, whole: Schema, *, required: bool) -> Input:
    part, optional = _unwrapped(part, whole)
    shape, choices = _shape(part)
    example = part.get("default", choices[0] if choices else _examples(shape, part))
    words = str(part.get("description") or "")
    return Input(name, shape, choices, optional, required, None if optional else example, words)


def _unwrapped(part: Schema, whole: Schema) -> tuple[Schema, bool]:
    """Without references and without `or null`."""
    reference = part.get("$ref")
    if isinstance(reference, str):
        definitions = whole.get("$defs")
        found = definitions.get(reference.rpartition("/")[2]) if isinstance(definitions, dict) else None
        return (found if isinstance(found, dict) else {}), False
    kinds = part.get("anyOf")
    if isinstance(kinds, list):
        others = [one for one in kinds if isinstance(one, dict) and one.get("type") != "null"]
        if len(others) == 1:
            return {**_unwrapped(others[0], whole)[0], **{k: v for k, v in part.items() if k != "anyOf"}}, len(
                kinds
            ) > 1
    return part, False


def _shape(part: Schema) -> tuple[Shape, tuple[str, ...]]:
    choices = part.get("enum")
    if isinstance(choices, list):
        return "choice", tuple(str(choice) for choice in choices)
    if "const" in part:
        return "choice", (str(part["const"]),)
    shapes: dict[str, Shape] = {"string": "text", "integer": "whole", "number": "number", "boolean": "yes-no"}
    return shapes.get(str(part.get("type")), "json"), ()


def _examples(shape: Shape, part: Schema) -> JsonValue:
    if shape == "json":
        return {} if part.get("type") == "object" else []
    plain: dict[Shape, JsonValue] = {"text": "", "whole": 0, "number": 0.0, "yes-no": False}
    return plain.get(shape, "")
