"""JSON schemas as grammars for llama.cpp: what the grammar derives is valid, and what it cannot promise is refused.

Written anew rather than with the bindings' converter, which lets control characters into strings and passes over
bounds. Properties come in the order of the schema; others than those named are not made up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from pydantic import JsonValue

from services.llm.pattern import from_pattern, literal
from services.llm.port import StructureImpossible

__all__ = ["from_schema"]

Schema: TypeAlias = "dict[str, JsonValue]"

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")

_UNKEPT = frozenset(
    {
        "contains", "dependencies", "dependentRequired", "dependentSchemas", "else", "if", "maxContains",
        "maxProperties", "minContains", "multipleOf", "not", "patternProperties", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef",
    }
)  # fmt: skip
"""Keywords that bind and that no grammar here keeps to. Others that are not read bind nothing."""

_DATE = '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'
_TIME = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] "Z"'
_FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
}

_COMMON = {
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex))',
    "hex": "[0-9a-fA-F]",
    "space": '" "?',
    "string": r'"\"" char* "\""',
    "digits": '"0" | [1-9] [0-9]{0,14}',
    "integer": '"-"? digits',
    "fraction": '"." [0-9]{1,15}',
    "number": '"-"? digits fraction? ([eE] [-+]? [0-9] [0-9]?)?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "any": "string | number | boolean | null | array | object",
    "member": 'string ":" space any',
    "array": '"[" (any ("," space any)*)? "]"',
    "object": '"{" (member ("," space member)*)? "}"',
}


def from_schema(schema: Schema) -> str:
    """Return the grammar, with the rule `root`. Raises StructureImpossible naming what it cannot keep to."""
    return _Grammar(schema).text()


class _Grammar:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rules: dict[str, str] = {}
        self._refs: dict[str, str] = {}

    def text(self) -> str:
        rules = {"root": self._of(self._schema), **_COMMON, **self._rules}
        return "".join(f"{name} ::= {expression}\n" for name, expression in rules.items())

    def _of(self, schema: JsonValue) -> str:
        """The expression of one schema, in parentheses where it needs them."""
        if schema is True:
            return "any"
        if not isinstance(schema, dict):
            raise _impossible(f"{json.dumps(schema)[:60]} allows no value")
        for keyword in schema:
            if keyword in _UNKEPT:
                raise _impossible(f"the keyword {keyword} cannot be kept to")
        if "$ref" in schema:
            return self._reference(str(schema["$ref"]))
        if "allOf" in schema:
            return self._of(_merged(schema))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._either(schema, keyword)
        if "const" in schema:
            return literal(_written(schema["const"]))
        if "enum" in schema:
            return _alternatives(literal(_written(value)) for value in _list(schema, "enum"))
        return self._typed(schema)

    def _typed(self, schema: Schema) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return _alternatives(self._typed({**schema, "type": each}) for each in kind)
        if kind is None:
            kind = _implied(schema)
        makers: dict[str, Callable[[Schema], str]] = {
            "object": self._object,
            "array": self._array,
            "string": _string,
            "integer": _integer,
            "number": _number,
        }
        if kind in makers:
            return makers[str(kind)](schema)
        if kind in (*_TYPES, "any"):
            return str(kind)
        raise _impossible(f"there is no type {json.dumps(kind)[:60]}")

    def _reference(self, target: str) -> str:
        if target not in self._refs:
            self._refs[target] = name = f"ref{len(self._refs)}"
            self._rules[name] = self._of(self._resolved(target))
        return self._refs[target]

    def _resolved(self, target: str) -> JsonValue:
        if not target.startswith("#"):
            raise _impossible(f"{target[:60]} is elsewhere, and nothing is fetched")
        node: JsonValue = self._schema
        for part in target[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                raise _impossible(f"nothing is found at {target[:60]}")
            node = node[key]
        return node

    def _either(self, schema: Schema, keyword: str) -> str:
        rest = {k: v for k, v in schema.items() if k != keyword}
        return _alternatives(
            self._of({**rest, **alternative} if isinstance(alternative, dict) else alternative)
            for alternative in _list(schema, keyword)
        )

    def _object(self, schema: Schema) -> str:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise _impossible("properties is no object, or required no list")
        for name in required:
            if name not in properties:
                raise _impossible(f"{json.dumps(name)[:60]} is required but not described")
        if not properties:
            return self._mapping(schema)
        if _count(schema, "minProperties") > len(required):
            raise _impossible("minProperties asks for more than what is required")
        members = [(self._member(name, properties[name]), name in required) for name in properties]
        if any(required for _, required in members):
            return f'"{{" {_members(members)} "}}"'
        return f'"{{" {self._any_of([member for member, _ in members])} "}}"'

    def _any_of(self, members: Sequence[str]) -> str:
        """Some of the members or none, in order; what may follow one is a rule, or many would take a page each."""
        begins: list[str] = []
        follows = ""
        for member in reversed(members):
            begins.append(f"{member}{follows}")
            follows = " " + self._rule("rest", f'("," space {member})?{follows}')
        return f"{_alternatives(begins)}?"

    def _mapping(self, schema: Schema) -> str:
        others = schema.get("additionalProperties", True)
        least = _count(schema, "minProperties")
        if others is False or least > 1:
            if least:
                raise _impossible("minProperties asks for properties that are not described")
            return '"{}"'
        member = self._rule("pair", f'string ":" space {self._of(others)}')
        return f'"{{" {_listed(member, int(least), math.inf)} "}}"'

    def _member(self, name: str, schema: JsonValue) -> str:
        return self._rule("member", f"{literal(_written(name) + ':')} space {self._of(schema)}")

    def _array(self, schema: Schema) -> str:
        least, most = _count(schema, "minItems"), _count(schema, "maxItems", math.inf)
        if schema.get("uniqueItems") and most > 1:
            raise _impossible("uniqueItems cannot be kept to")
        first = [self._of(item) for item in _list(schema, "prefixItems")]
        if first:
            if not len(first) >= least or not len(first) <= most:
                raise _impossible("prefixItems, minItems and maxItems ask for different lengths")
            return '"[" ' + ' "," space '.join(first) + ' "]"'
        if most < least:
            raise _impossible("maxItems is less than minItems")
        if not most:
            return '"[]"'
        item = self._rule("item", self._of(schema.get("items", True)))
        return f'"[" {_listed(item, int(least), most)} "]"'

    def _rule(self, kind: str, expression: str) -> str:
        name = f"{kind}{len(self._rules)}"
        self._rules[name] = expression
        return name


def _members(members: Sequence[tuple[str, bool]]) -> str:
    """The members in order, those that are not required present or not, with commas between."""
    first = next(i for i, (_, required) in enumerate(members) if required)
    before = " ".join(f'({name} "," space)?' for name, _ in members[:first])
    return f"{before} {members[first][0]} {_followed(members[first + 1 :])}".strip()


def _followed(members: Sequence[tuple[str, bool]]) -> str:
    return " ".join(f'("," space {name}){"" if required else "?"}' for name, required in members)


def _listed(item: str, least: int, most: float) -> str:
    """From `least` to `most` items with commas between."""
    more = "" if most == math.inf else str(int(most) - 1)
    some = f'{item} ("," space {item}){{{max(0, least - 1)},{more}}}'
    return some if least else f"({some})?"


def _string(schema: Schema) -> str:
    pattern, least, most = schema.get("pattern"), _count(schema, "minLength"), _count(schema, "maxLength", math.inf)
    form = _FORMATS.get(str(schema.get("format")))
    if (pattern is not None or form) and (least, most) != (0, math.inf):
        raise _impossible("a pattern and a length cannot both be kept to")
    if pattern is not None:
        return rf'"\"" {from_pattern(str(pattern), quoted=True)} "\""'
    if form:
        return rf'"\"" {form} "\""'
    if (least, most) == (0, math.inf):
        return "string"
    if most < least:
        raise _impossible("maxLength is less than minLength")
    return rf'"\"" char{{{least},{"" if most == math.inf else int(most)}}} "\""'


def _integer(schema: Schema) -> str:
    low, high = _bounds(schema)
    if (low, high) == (-math.inf, math.inf):
        return "integer"
    return _alternatives(_whole(low, high))


def _number(schema: Schema) -> str:
    """Numbers whose whole part lies within the bounds; the fraction may not lead beyond them."""
    low, high = _bounds(schema)
    if (low, high) == (-math.inf, math.inf):
        return "number"
    forms = list(_whole(low, high))
    if high > max(low, 0):
        forms += [f"({form}) fraction" for form in _natural(max(low, 0), high - 1)]
    if low < min(high, 0):
        forms += [f'"-" ({form}) fraction' for form in _natural(max(-high, 0), -low - 1)]
    return _alternatives(forms)


def _bounds(schema: Schema) -> tuple[float, float]:
    """The least and the greatest whole number allowed."""
    low = max(math.ceil(_real(schema, "minimum", -1e18)), math.floor(_real(schema, "exclusiveMinimum", -1e18)) + 1)
    high = min(math.floor(_real(schema, "maximum", 1e18)), math.ceil(_real(schema, "exclusiveMaximum", 1e18)) - 1)
    if low > high:
        raise _impossible("no whole number lies within the bounds")
    return (-math.inf if low < -1e15 else low), (math.inf if high > 1e15 else high)


def _whole(low: float, high: float) -> Iterator[str]:
    if high >= 0:
        yield from _natural(max(low, 0), high)
    if low < 0:
        yield from (f'"-" ({form})' for form in _natural(max(-high, 1), -low))


def _natural(low: float, high: float) -> Iterator[str]:
    """Expressions for the numbers from `low` to `high`, both at least 0, without leading zeros."""
    if high == math.inf:
        digits = len(str(int(low)))
        yield from _natural(low, 10**digits - 1)
        yield f"[1-9] [0-9]{{{digits},15}}"
        return
    start = int(low)
    while start <= high:
        end = min(int(high), 10 ** len(str(start)) - 1)
        yield from _same_length(str(start), str(end))
        start = end + 1


def _same_length(low: str, high: str) -> Iterator[str]:
    """The numbers from `low` to `high`, which have as many digits."""
    if not low:
        yield '""'
    elif low[0] == high[0]:
        yield from (f'"{low[0]}" {rest}' for rest in _same_length(low[1:], high[1:]))
    else:
        rest = len(low) - 1
        first, last = int(low[0]), int(high[0])
        if low[1:].strip("0"):
            yield from (f'"{low[0]}" {form}' for form in _same_length(low[1:], "9" * rest))
            first += 1
        if high[1:].strip("9"):
            yield from (f'"{high[0]}" {form}' for form in _same_length("0" * rest, high[1:]))
            last -= 1
        if first <= last:
            yield f"[{first}-{last}]" + (f" [0-9]{{{rest}}}" if rest else "")


def _merged(schema: Schema) -> Schema:
    """One schema for all of `allOf`, where they only add to each other."""
    merged: Schema = {}
    for part in ({k: v for k, v in schema.items() if k != "allOf"}, *_list(schema, "allOf")):
        if not isinstance(part, dict):
            raise _impossible("allOf holds what is no schema")
        for key, value in part.items():
            before = merged.get(key, value)
            if key in ("properties", "$defs") and isinstance(before, dict) and isinstance(value, dict):
                merged[key] = {**before, **value}
            elif key == "required" and isinstance(before, list) and isinstance(value, list):
                merged[key] = [*before, *(name for name in value if name not in before)]
            elif before != value and key not in ("title", "description"):
                raise _impossible(f"allOf says two things of {key}")
            else:
                merged[key] = value
    return merged


def _implied(schema: Mapping[str, JsonValue]) -> str:
    """The type that the keywords are about; without any the value may be anything."""
    about = {
        "object": ("properties", "required", "additionalProperties"),
        "array": ("items", "prefixItems", "minItems", "maxItems"),
        "string": ("pattern", "minLength", "maxLength"),
        "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
    return next((kind for kind, keywords in about.items() if any(k in schema for k in keywords)), "any")


def _count(schema: Schema, keyword: str, default: float = 0) -> float:
    value = _real(schema, keyword, default)
    if value < 0 or (value != math.inf and value != int(value)):
        raise _impossible(f"{keyword} is {value:g}")
    return value if value == math.inf else int(value)


def _real(schema: Schema, keyword: str, default: float) -> float:
    value = schema.get(keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _impossible(f"{keyword} is no number")
    return value


def _list(schema: Schema, keyword: str) -> list[JsonValue]:
    value = schema.get(keyword, [])
    if not isinstance(value, list) or (keyword in schema and not value):
        raise _impossible(f"{keyword} is no list, or an empty one")
    return value


def _alternatives(forms: Iterator[str] | Sequence[str]) -> str:
    return f"({' | '.join(forms)})"


def _written(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _impossible(why: str) -> StructureImpossible:
    return StructureImpossible(
        f"The JSON schema cannot be used: {why}.",
        remedy="Describe the answer by types, properties, items, enum, const, anyOf, bounds and lengths.",
    )
