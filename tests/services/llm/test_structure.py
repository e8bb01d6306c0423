"""Answers of a form: valid at any temperature, though the weights are random and know nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import jsonschema
import pytest
from pydantic import JsonValue

from services.llm.port import StructureImpossible
from services.llm.structure import grammar
from services.testing import Bench
from shared.events import LlmFailed, Structure, ToolSpec
from tests.services.llm.conftest import answered, ask, serving

TEMPERATURES = (0.0, 0.7, 5.0, 100.0)

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 8},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "mood": {"enum": ["good", "bad", None, 3]},
        "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
        "home": {"$ref": "#/$defs/place"},
    },
    "required": ["name", "age", "mood", "tags", "home"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"]}},
}


@pytest.fixture
async def bench(random_model: Path) -> AsyncIterator[Bench]:
    async with serving(random_model) as bench:
        yield bench


async def formed(bench: Bench, temperature: float, **form: object) -> str:
    response = await answered(
        bench, "Anything", structure=Structure(**form), temperature=temperature, max_tokens=1500, seed=3
    )
    assert response.finish == "stop"
    return response.text


@pytest.mark.parametrize("temperature", TEMPERATURES)
async def test_json_of_a_schema(bench: Bench, temperature: float) -> None:
    text = await formed(bench, temperature, json_schema=SCHEMA)
    jsonschema.validate(json.loads(text), SCHEMA)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{4}-\d{2}-\d{2}",
        r"(yes|no|perhaps), [^aeiou]{3}[.!?]",
        r"^[A-Z][a-zà-ü]{2,9}( und [A-Z]\w{0,3}){0,2}$",
        "\N{SNOWMAN}{2}|\N{GRINNING FACE}.",
    ],
)
async def test_text_that_a_regular_expression_matches_whole(bench: Bench, temperature: float, pattern: str) -> None:
    assert re.fullmatch(pattern, await formed(bench, temperature, regex=pattern))


@pytest.mark.parametrize("temperature", TEMPERATURES)
async def test_one_of_the_choices(bench: Bench, temperature: float) -> None:
    choices = ("left", "right", 'up "there"', "größer", "<think>")
    assert await formed(bench, temperature, choices=choices) in choices


async def test_a_grammar_of_ones_own(bench: Bench) -> None:
    sum_ = await formed(bench, 2.0, gbnf='root ::= [1-9] (" + " [1-9]){1,3}\n')
    assert re.fullmatch(r"[1-9]( \+ [1-9]){1,3}", sum_)


async def test_a_strict_answer_of_a_form_is_the_same_again(bench: Bench) -> None:
    form = Structure(json_schema=SCHEMA)
    texts = [
        (await answered(bench, "Go", structure=form, mode="strict", temperature=1.0, max_tokens=1500)).text
        for _ in range(2)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "form",
    [
        {"gbnf": "root ::= undefined"},
        {"gbnf": 'other ::= "a"'},
        {"gbnf": 'root ::= root "a" | "b"'},
        {"regex": "a{1000}{1000}"},
        {"regex": "["},
        {"regex": "((((a{0,99}){0,99}){0,99}){0,99}){0,99}"},
        {"json_schema": {"enum": []}},
        {"json_schema": {"type": "integer", "minimum": 5, "maximum": 3}},
        {"json_schema": {"type": "string", "minLength": 5, "maxLength": 3}},
        {"json_schema": {"allOf": [{"type": "string"}, {"type": "integer"}]}},
        {"regex": "x" * 10_000_000},
        {"json_schema": {"$ref": "#/$defs/none"}},
        {"json_schema": {"$ref": "https://example.org/schema.json"}},
        {"json_schema": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}},
        {"json_schema": {"type": "no such type"}},
        {"json_schema": {"type": "string", "maxLength": 10**12}},
        {"json_schema": {"type": "string", "pattern": "^(a{99999}){99999}$"}},
        {"choices": ("a",), "regex": "b"},
        {"choices": ("a\ud800",)},
        {"gbnf": 'root ::= "\udfff"'},
        {"gbnf": 'root ::= (("a"?){200}){200} "b"'},
        {"gbnf": f'root ::= {"(" * 100_000}"a"{")" * 100_000}'},
        {"regex": "((a?b?){1,99}c?){1,99}"},
    ],
    ids=lambda form: json.dumps(form)[:60],
)
async def test_a_form_that_cannot_be_had_is_refused_and_the_engine_goes_on(
    bench: Bench, form: dict[str, object]
) -> None:
    ask(bench, "Anything", structure=Structure(**form), max_tokens=20)
    failed = await bench.next(LlmFailed)
    assert failed.reason == "invalid"
    assert len(failed.message) < 600
    assert (await answered(bench, "Hi", max_tokens=1)).finish == "length"


async def test_an_answer_cut_short_says_so(bench: Bench) -> None:
    response = await answered(bench, "Hi", structure=Structure(regex="a{50}"), max_tokens=20)
    assert (response.text, response.finish) == ("a" * 20, "length")


def test_no_form_is_no_grammar() -> None:
    assert grammar(Structure()) == ""


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(StructureImpossible, match="regex and choices"):
        grammar(Structure(regex="a", choices=("b",)))


TOOLS = (
    ToolSpec(
        name="set_timer",
        description="Set a timer.",
        parameters={
            "type": "object",
            "properties": {"minutes": {"type": "integer", "minimum": 1, "maximum": 90}},
            "required": ["minutes"],
            "additionalProperties": False,
        },
    ),
    ToolSpec(
        name="lights",
        description="Switch the lights.",
        parameters={"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]},
    ),
)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("choice", ["required", "set_timer"])
async def test_a_tool_is_called_where_that_is_demanded(bench: Bench, temperature: float, choice: str) -> None:
    """With arguments that the tool takes, though the weights are random; nothing is said."""
    response = await answered(
        bench, "Anything", tools=TOOLS, tool_choice=choice, temperature=temperature, max_tokens=500, seed=3
    )
    assert (response.finish, response.text) == ("tool", "")
    [request] = response.tool_requests
    [called] = [tool for tool in TOOLS if tool.name == request.name]
    jsonschema.validate(request.arguments, called.parameters)
    assert choice in ("required", request.name)


async def test_a_tool_that_is_not_offered_or_a_second_form_cannot_be_demanded(bench: Bench) -> None:
    for wanted in ({"tool_choice": "sing"}, {"tool_choice": "required", "structure": Structure(regex="x")}):
        ask(bench, "Anything", tools=TOOLS, **wanted)
        assert (await bench.next(LlmFailed)).reason == "invalid"
    ask(bench, "Anything", tool_choice="required")
    assert "auto, none" in (await bench.next(LlmFailed)).message


async def test_tools_are_not_called_where_none_is_to_be(scripted: Callable[..., Path]) -> None:
    """They are not even told of."""
    script = ("<tool_call>", '{"name": "lights", "arguments": {"on": true}}', "</tool_call>")
    path = scripted(*script, user_defined=["<tool_call>", "</tool_call>"])
    async with serving(path) as bench:
        with_tools = await answered(bench, "Light!", tools=TOOLS)
        without = await answered(bench, "Light!", tools=TOOLS, tool_choice="none")
    assert (with_tools.finish, without.finish) == ("tool", "stop")
    assert without.tool_requests == ()
    assert without.usage.prompt_tokens < with_tools.usage.prompt_tokens
