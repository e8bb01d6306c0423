"""Tools in fewer words: enough to call them, and no more."""

from __future__ import annotations

from pydantic import JsonValue

from services.llm.brief import brief

TIMER: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "hours": {"default": 0, "description": "Hours.", "maximum": 1000, "minimum": 0, "type": "number"},
        "which": {"default": "", "description": "all for every timer.", "enum": ["", "all"], "type": "string"},
        "volume": {"anyOf": [{"maximum": 100, "type": "integer"}, {"type": "null"}], "default": None},
        "start_hours": {"type": "number", "description": "Start hours"},
        "sides": {"type": "integer", "default": 6},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "or": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
    },
    "required": [],
    "additionalProperties": False,
}


def test_bounds_and_what_goes_without_saying_are_left_out() -> None:
    assert brief(TIMER) == {
        "type": "object",
        "properties": {
            "hours": {"type": "number"},
            "which": {"type": "string", "description": "all for every timer.", "enum": ["all"]},
            "volume": {"type": "integer"},
            "start_hours": {"type": "number"},
            "sides": {"type": "integer", "default": 6},
            "names": {"type": "array", "items": {"type": "string"}},
            "or": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        },
    }


def test_what_is_required_is_said() -> None:
    schema: dict[str, JsonValue] = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    assert brief(schema) == schema


def test_the_original_is_left_as_it_is() -> None:
    before = repr(TIMER)
    brief(TIMER)
    assert repr(TIMER) == before
