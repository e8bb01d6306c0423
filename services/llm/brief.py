"""A tool's parameters in fewer words: what a model needs to call it, without the bounds that the tool checks itself.

All tools stand in every prompt, and a person waits while they are evaluated.
"""

from __future__ import annotations

from pydantic import JsonValue

__all__ = ["brief"]

_KEPT = ("type", "description", "enum", "properties", "required", "items", "anyOf")


def brief(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the schema without bounds, defaults that say nothing, descriptions that repeat the name, and nulls that
    leaving the parameter out says as well.
    """
    short = {key: schema[key] for key in _KEPT if key in schema}
    either = short.get("anyOf")
    if isinstance(either, list):
        present = [option for option in either if option != {"type": "null"}]
        if len(present) == 1 and isinstance(present[0], dict):
            del short["anyOf"]
            short = {**brief(present[0]), **short}
    if isinstance(short.get("enum"), list):
        short["enum"] = [value for value in short["enum"] if value != ""]  # type: ignore[union-attr]
    properties = short.get("properties")
    if isinstance(properties, dict):
        short["properties"] = {name: _property(name, value) for name, value in properties.items()}
    if isinstance(short.get("items"), dict):
        short["items"] = brief(short["items"])  # type: ignore[arg-type]
    if not short.get("required", True):
        del short["required"]
    if schema.get("default"):
        short["default"] = schema["default"]
    return short


def _property(name: str, schema: JsonValue) -> JsonValue:
    if not isinstance(schema, dict):
        return schema
    short = brief(schema)
    description = short.get("description")
    if isinstance(description, str) and description.rstrip(".").lower() == name.replace("_", " "):
        del short["description"]
    return short
