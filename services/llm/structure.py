"""The form an answer must have, as a grammar for llama.cpp: from a JSON schema, a regular expression, or choices."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import JsonValue

from services.llm.gbnf import refuse_ways
from services.llm.pattern import from_pattern, literal
from services.llm.port import StructureImpossible
from services.llm.schema import from_schema
from shared.events import Structure, ToolSpec

__all__ = ["grammar", "tool_call"]

_MOST_REPEATED = 2000
"""llama.cpp takes no more repetitions of one item (src/llama-grammar.cpp, MAX_REPETITION_THRESHOLD)."""

_LARGEST = 1 << 18
"""Characters of a schema, a pattern or a grammar."""

_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")

_BRACED = re.compile(r"\{(\d*),?(\d*)\}")


def grammar(wanted: Structure) -> str:
    """Return the grammar, in GBNF with the rule `root`; empty when any text will do. Raises StructureImpossible."""
    given = [
        name for name in ("json_schema", "regex", "choices", "gbnf") if getattr(wanted, name) not in (None, "", ())
    ]
    if not given:
        return ""
    if len(given) > 1:
        raise StructureImpossible(f"An answer has one form, not {' and '.join(given)}.", remedy="Choose one of them.")
    _refuse_halves(wanted)
    if wanted.json_schema is not None:
        made = _from_schema(wanted.json_schema)
    elif wanted.regex:
        _refuse_large("The regular expression", wanted.regex)
        made = f"root ::= {from_pattern(wanted.regex)}\n"
    elif wanted.choices:
        made = f"root ::= {' | '.join(map(literal, wanted.choices))}\n"
    else:
        made = wanted.gbnf
        refuse_ways(made[:_LARGEST])
    _refuse_large("The grammar", made)
    return made


def tool_call(tools: Sequence[ToolSpec], choice: str) -> str:
    """Return the grammar of a call of one of the tools, or of the one that `choice` names; empty when none is forced.

    The call is one JSON object with the tool's name and arguments, which the reader knows from every model. Raises
    StructureImpossible for parameters that no grammar can be made of.
    """
    if choice in ("auto", "none"):
        return ""
    forms: list[JsonValue] = [_call_of(tool) for tool in tools if choice in ("required", tool.name)]
    return _from_schema(dict[str, JsonValue](forms[0]) if len(forms) == 1 else {"anyOf": forms})  # type: ignore[arg-type]


def _call_of(tool: ToolSpec) -> JsonValue:
    return {
        "type": "object",
        "properties": {"name": {"const": tool.name}, "arguments": tool.parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _from_schema(schema: dict[str, JsonValue]) -> str:
    try:
        _refuse_large("The JSON schema", json.dumps(schema))
        _refuse_counts(schema)
        return from_schema(schema)
    except RecursionError as error:
        raise StructureImpossible("The JSON schema is nested too deeply.", remedy="Make it simpler.") from error


def _refuse_counts(node: JsonValue) -> None:
    """Refuse repetitions that would make a grammar without end, before it is made."""
    if isinstance(node, list):
        for item in node:
            _refuse_counts(item)
    if not isinstance(node, dict):
        return
    counts = [node[name] for name in _COUNTS if name in node]
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        counts += [int(n) for braced in _BRACED.findall(pattern) for n in braced if n]
    if any(isinstance(count, int | float) and count > _MOST_REPEATED for count in counts):
        raise StructureImpossible(
            f"The JSON schema repeats something more than {_MOST_REPEATED} times.", remedy="Lower its limits."
        )
    for value in node.values():
        _refuse_counts(value)


def _refuse_halves(wanted: Structure) -> None:
    """Refuse text that has no UTF-8 form, so that no answer can ever have it."""
    try:
        schema = json.dumps(wanted.json_schema, ensure_ascii=False)
        "".join((schema, wanted.regex, *wanted.choices, wanted.gbnf)).encode()
    except UnicodeEncodeError as error:
        raise StructureImpossible(
            f"The form holds half a character, {error.object[error.start]!r}.", remedy="Leave lone surrogates out."
        ) from error
    except RecursionError:
        return  # it is refused for that when the grammar is made


def _refuse_large(what: str, text: str) -> None:
    if len(text) > _LARGEST:
        raise StructureImpossible(
            f"{what} is too large: {len(text)} characters, at most {_LARGEST} are taken.", remedy="Make it simpler."
        )
