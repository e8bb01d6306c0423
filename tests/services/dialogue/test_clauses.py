"""Clauses: what a voice is given, and when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dialogue.clauses import Cutter, Lengths, speakable

LENGTHS = Lengths(first=20, later=60, most=220)

STOPS = [",", ".", "…", "?", "!", "—", ")", '"', "`", "**", "。", "，"]  # noqa: RUF001 (full-width marks)
SPACES = [" ", " ", " ", "\n", "- "]
WORDS = ["Well", "and so on", "3.14", "Dr.", "e.g.", "https://a.b/c?d=e.", "`x = 1. y`", "1.", "Ärger", "你好"]
PIECES = st.sampled_from(STOPS) | st.sampled_from(SPACES) | st.sampled_from(WORDS)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200)


def cut(*chunks: str, lengths: Lengths = LENGTHS) -> list[str]:
    """All clauses of a text that comes in these chunks."""
    cutter, clauses = Cutter(lengths), []
    for chunk in chunks:
        cutter, due = cutter.feed(chunk)
        clauses += due
    return [*clauses, *cutter.end()]


@settings(deadline=None)
@given(TEXTS)
def test_the_clauses_joined_are_the_text(text: str) -> None:
    assert "".join(cut(text)) == (text if speakable(text) else "")


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=20))
def test_the_cuts_do_not_depend_on_the_chunks(text: str, places: list[int]) -> None:
    bounds = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    assert cut(*(text[a:b] for a, b in pairwise(bounds))) == cut(text)


@settings(deadline=None)
@given(TEXTS)
def test_every_clause_has_something_to_say(text: str) -> None:
    assert all(speakable(clause) for clause in cut(text))


@settings(deadline=None)
@given(st.text(alphabet="ab ,.", max_size=2000))
def test_no_clause_is_much_longer_than_the_most(text: str) -> None:
    assert all(len(clause.rstrip()) <= 4 * LENGTHS.most for clause in cut(text))


def test_the_first_clause_ends_early_at_a_comma_and_later_ones_are_longer() -> None:
    first = "Once upon a time there was, in a wood, a red fox. "
    assert cut(first + "It was old, and sly, and it lived alone there, without fear, as foxes do.") == [
        "Once upon a time there was, ",
        "in a wood, a red fox. ",
        "It was old, and sly, and it lived alone there, without fear, ",
        "as foxes do.",
    ]


def test_a_short_first_sentence_is_a_clause() -> None:
    assert cut("Sure. Here it is, as you asked.") == ["Sure. ", "Here it is, as you asked."]


def test_a_clause_is_due_as_soon_as_the_next_one_begins() -> None:
    cutter, due = Cutter(LENGTHS).feed("It is ten past nine. ")
    assert due == ()
    cutter, due = cutter.feed("A")
    assert due == ("It is ten past nine. ",)
    assert cutter.end() == ("A",)


@pytest.mark.parametrize(
    "text",
    [
        "It costs about 3.14 euros all in all",
        "Ask for Dr. Smith at the reception desk",
        "Bring something warm, e.g. a coat",
        "Open https://example.org/a,b?c=d and look",
        "The value is `a. b. c. d. e. f. g` then",
        "Am 3. Mai kommt z.B. Herr Dr. Weiß",
        "At 10:30 there is a train for you",
    ],
)
def test_a_stop_inside_a_number_abbreviation_address_or_code_ends_nothing(text: str) -> None:
    assert cut(text, lengths=Lengths(first=100, later=100, most=220)) == [text]


def test_a_quotation_mark_after_the_full_stop_belongs_to_the_sentence() -> None:
    assert cut('He said "no way." Then he left.')[0] == 'He said "no way." '


def test_wide_punctuation_needs_no_space() -> None:
    assert cut("你好。今天天气很好，我们出去走走吧。再见。", lengths=Lengths(2, 6, 220))[0] == "你好。"  # noqa: RUF001


def test_nothing_to_say_is_no_clause() -> None:
    assert cut("… \n\n") == []


def test_a_sentence_without_end_is_cut_at_a_space() -> None:
    clauses = cut("word " * 100)
    assert len(clauses) > 1
    assert all(len(clause) <= 224 for clause in clauses)
