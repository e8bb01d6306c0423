"""Answers of a form: valid at any temperature, though the weights are random and know nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest
from pydantic import JsonValue

from services.llm.port import StructureImpossible
from services.llm.structure import grammar
from services.testing import Bench
from shared.events import LlmFailed, Structure
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
        {"regex": "x" * 10_000_000},
        {"json_schema": {"$ref": "#/$defs/none"}},
        {"json_schema": {"$ref": "https://example.org/schema.json"}},
        {"json_schema": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}},
        {"json_schema": {"type": "no such type"}},
        {"json_schema": {"type": "string", "maxLength": 10**12}},
        {"json_schema": {"type": "string", "pattern": "^(a{99999}){99999}$"}},
        {"choices": ("a",), "regex": "b"},
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
