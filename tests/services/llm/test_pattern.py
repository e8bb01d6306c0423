"""Patterns as grammars: what is derived is matched, and what cannot be expressed is named."""

from __future__ import annotations

import pytest

from services.llm.pattern import from_pattern, literal
from services.llm.port import StructureImpossible


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("abc", '"a" "b" "c"'),
        ("^a$", '"a"'),
        ("a|b", "[ab]"),
        ("ab|cd", '("a" "b" | "c" "d")'),
        ("(ab)?", '(("a" "b")){0,1}'),
        ("[a-c]+", "([a-c]){1,}"),
        ("x{2,3}", '("x"){2,3}'),
        ("x*?", '("x"){0,}'),
        (r"\d", "[0-9]"),
        (r"\.", r'"\x2E"'),
        ("é", r'"\u00E9"'),
        ("[^\\x00-\U0010fffe]", r"[\U0010FFFF]"),
        ("", '""'),
        ("(?:a)", '"a"'),
    ],
)
def test_a_pattern_becomes_an_expression(pattern: str, expression: str) -> None:
    assert from_pattern(pattern) == expression


def test_the_dot_is_all_but_the_end_of_a_line() -> None:
    assert from_pattern(".") == r"[\x00-\x09\x0B-\uD7FF\uE000-\U0010FFFF]"


def test_what_is_not_a_word_is_derived_in_ascii_only() -> None:
    """`\\W` does not match every letter beyond ASCII, so none of them is derived."""
    assert from_pattern(r"[^\w]") == from_pattern(r"\W") == r"[\x00-\x2F\x3A-\x40\x5B-\x5E\x60\x7B-\x7F]"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "cannot be read"),
        (r"(a)\1", "groupref"),
        ("a(?=b)", "assert"),
        (r"\bword\b", "at"),
        ("(?i)a", "flags"),
        ("a{5000}", "2000 is the most"),
        ("(a{1000}){1000}", "repeats something 1000000 times"),
        ("a{99999999999}", "cannot be read"),
        ("(" * 5000 + ")" * 5000, "cannot be read"),
        ("(a?b?){1,400}x", "may be empty 400 times"),
        ("((a?b?){1,20}c?){1,60}x", "may be empty 1200 times"),
    ],
)
def test_what_no_grammar_can_express_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(StructureImpossible) as refused:
        from_pattern(pattern)
    assert says in str(refused.value)
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("(a?){9}", '("a"){0,9}'),
        ("(a*)*", '("a"){0,}'),
        ("((b{0,3}){2}){1,4}", '("b"){0,24}'),
    ],
)
def test_what_may_be_empty_is_not_repeated(pattern: str, expression: str) -> None:
    assert from_pattern(pattern) == expression


def test_a_literal_is_quoted() -> None:
    assert literal('a"\n\\') == r'"a\x22\x0A\x5C"'
