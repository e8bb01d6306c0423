"""What every event looks like, for other programs: JSON Schema by kind, and an AsyncAPI document of the socket."""

from __future__ import annotations

import functools

from pydantic import JsonValue

from shared.events import REGISTRY, Event

__all__ = ["asyncapi", "json_schemas", "prose"]


@functools.cache
def json_schemas() -> dict[str, JsonValue]:
    """Return the JSON Schema of each kind's newest version; a payload travels beside, so it is no field here."""
    return {cls.kind: _schema(REGISTRY.latest(cls.kind)) for cls in REGISTRY}


@functools.cache
def asyncapi() -> dict[str, JsonValue]:
    """Return an AsyncAPI 3.0 document: the one channel `/v1/events`, and what is said on it."""
    from importlib.metadata import version

    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Sotto's events", "version": version("sotto")},
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": "/v1/events",
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in json_schemas()},
                "bindings": {"ws": {"query": {"type": "object", "properties": _QUERY}}},
            }
        },
        "operations": {
            "watch": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Frames {hello}, {event} and {missed}; an event is the message under its key.",
            }
        },
        "components": {"messages": {cls.kind: _message(cls) for cls in REGISTRY}},
    }


_QUERY: dict[str, JsonValue] = {
    "kind": {"type": "string", "description": "Kinds with commas between them; `turn.*` means all that begin so."},
    "session": {"type": "string"},
    "turn": {"type": "integer"},
    "since": {"type": "string", "description": "Id of the last event that was seen."},
}


def prose(cls: type[Event]) -> str:
    """The first sentence of a kind's own words."""
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _message(cls: type[Event]) -> JsonValue:
    return {"name": cls.kind, "summary": prose(cls), "payload": json_schemas()[cls.kind]}


def _schema(cls: type[Event]) -> JsonValue:
    schema: dict[str, JsonValue] = cls.model_json_schema(ref_template="#/$defs/{model}")
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    if cls.payload is not None:
        del properties[cls.payload]
        required.remove(cls.payload)
    properties.update(kind={"const": cls.kind}, version={"const": cls.version})
    required[:0] = ["kind", "version"]
    return schema | {"title": cls.kind, "x-fenced": cls.fenced, "x-retained": cls.retained, "x-payload": cls.payload}
