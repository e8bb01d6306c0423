"""JSON schemas as grammars: what is drawn from them is valid, whatever they say, or they are refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest
from pydantic import JsonValue

from services.llm import LanguageModel, LlmSettings, StructureImpossible
from services.llm.engines.llama import LlamaEngine
from services.llm.schema import from_schema
from shared.clock import SystemClock
from shared.events import LlmRequest, Stamp, Structure
from shared.ids import id_source
from tests.services.llm.conftest import entry

STAMP = Stamp("test", SystemClock(), id_source("test-"), "test")

NAMES: dict[str, JsonValue] = {name: {"type": "boolean"} for name in "abcd"}


@pytest.fixture
async def model(random_model: Path) -> AsyncIterator[LanguageModel]:
    model = await LlamaEngine().open(
        entry(random_model), LlmSettings(threads=1, sequences=4, prefix_disk_mb=0), SystemClock()
    )
    yield model
    await model.close()


async def drawn(model: LanguageModel, schema: dict[str, JsonValue], seed: int) -> str:
    values = {"messages": (), "prompt": "JSON:", "tools": (), "max_tokens": 1000, "temperature": 30.0, "stop": ()}
    request = STAMP(LlmRequest, turn=0, seed=seed, structure=Structure(json_schema=schema), **values)
    answer = model.answer(request)
    text = "".join([piece async for piece in answer])
    assert (await answer.outcome()).finish == "stop", text
    return text


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 17, "maximum": 1203},
        {"type": "integer", "minimum": -105, "maximum": 9},
        {"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 11},
        {"type": "integer", "minimum": 95},
        {"type": "integer", "maximum": -7},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "number", "minimum": -2.5, "exclusiveMaximum": 12.25},
        {"type": "number"},
        {"type": "string", "minLength": 3, "maxLength": 3},
        {"type": "string", "pattern": '^[^a-z]{2}"?\\\\?[\\s\\S]$'},
        {"type": "string", "format": "date"},
        {"type": ["boolean", "null"]},
        {"enum": ["größer", 'a"b', None, 1.5, {"x": []}]},
        {"anyOf": [{"const": 1}, {"type": "string", "maxLength": 2}]},
        {"type": "object", "properties": NAMES},
        {"type": "object", "properties": NAMES, "required": ["c"]},
        {"type": "object", "properties": NAMES, "required": ["a", "d"], "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "null"}, "maxLength": 1},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
        {"type": "array", "items": {"type": "null"}, "maxItems": 1},
        {"type": "array", "maxItems": 0},
        {"type": "array", "prefixItems": [{"const": "x"}, {"type": "boolean"}]},
        {"allOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"required": []}]},
        {
            "$defs": {"tree": {"type": "object", "properties": {"left": {"anyOf": [{"$ref": "#/$defs/tree"},
             {"type": "null"}]}}, "required": ["left"]}},
            "$ref": "#/$defs/tree",
        },
    ],
    ids=lambda schema: json.dumps(schema)[:70],
)  # fmt: skip
async def test_what_is_drawn_is_valid(model: LanguageModel, schema: dict[str, JsonValue]) -> None:
    for seed in range(4):
        value = json.loads(await drawn(model, schema, seed))
        jsonschema.validate(value, schema)


@pytest.mark.parametrize("required", [[], ["n100"]], ids=["none required", "one required"])
async def test_a_schema_may_have_many_properties(model: LanguageModel, required: list[JsonValue]) -> None:
    """They come in the order of the schema, any of them or none."""
    properties: dict[str, JsonValue] = {f"n{i}": {"type": "boolean"} for i in range(200)}
    schema: dict[str, JsonValue] = {"type": "object", "properties": properties, "required": required}
    for seed in range(2):
        value = json.loads(await drawn(model, schema, seed))
        jsonschema.validate(value, schema)
        assert list(value) == sorted(value, key=list(properties).index)


async def test_a_pydantic_model_is_filled(model: LanguageModel) -> None:
    from pydantic import BaseModel, Field

    class Room(BaseModel):
        name: str = Field(max_length=6)
        lamps: list[int] = Field(max_length=2)

    class Order(BaseModel):
        room: Room
        on: bool | None = None
        level: int = Field(ge=0, le=100)

    Order.model_validate_json(await drawn(model, Order.model_json_schema(), 1))


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no whole number"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "maxLength is less"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "maxItems is less"),
        ({"type": "array", "minItems": "two"}, "minItems is no number"),
        ({"type": "object", "required": ["x"]}, "x.* is required but not described"),
        ({"enum": []}, "enum"),
        ({"not": {}}, "keyword not"),
        ({"type": "integer", "multipleOf": 3}, "keyword multipleOf"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "string", "pattern": "a", "maxLength": 3}, "a pattern and a length"),
        ({"properties": {"a": False}}, "allows no value"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "two things of type"),
    ],
)
def test_what_cannot_be_promised_is_refused_by_name(schema: dict[str, JsonValue], says: str) -> None:
    with pytest.raises(StructureImpossible, match=says):
        from_schema(schema)
