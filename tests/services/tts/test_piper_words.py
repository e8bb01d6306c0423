"""Alignment: groups of phonemes find the words that they say, joined or split."""

# ruff: noqa: RUF001 (phonemes look like letters)

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tts.engines.piper_words import aligned, groups_of, stretches


def matches(words: str, groups: str) -> list[tuple[str, str]]:
    w, g = words.split(), groups.split()
    return [
        ("+".join(w[m.first_word : m.until_word]), "+".join(g[m.first_group : m.until_group])) for m in aligned(w, g)
    ]


@pytest.mark.parametrize(
    ("words", "groups", "expected"),
    [
        ("a b", "a b", [("a", "a"), ("b", "b")]),
        ("tɑp ʌv ðə haʊs", "tɑp ʌvðə haʊs", [("tɑp", "tɑp"), ("ʌv+ðə", "ʌvðə"), ("haʊs", "haʊs")]),
        ("ʌv ðə ɪn ðə", "ʌvðə ɪnðə", [("ʌv+ðə", "ʌvðə"), ("ɪn+ðə", "ɪnðə")]),
        ("mʌðɚɪnlɔ nəʊ", "mʌðɚ ɪn lɔ nəʊ", [("mʌðɚɪnlɔ", "mʌðɚ+ɪn+lɔ"), ("nəʊ", "nəʊ")]),
        ("eɪ lɔŋ tɑp ʌv ðə", "ɐ lɔŋ tɑp əvðə", [("eɪ", "ɐ"), ("lɔŋ", "lɔŋ"), ("tɑp", "tɑp"), ("ʌv+ðə", "əvðə")]),
        ("", "a", [("", "a")]),
        ("a", "", [("a", "")]),
        ("", "", []),
    ],
)
def test_groups_are_given_to_the_words_they_sound_like(
    words: str, groups: str, expected: list[tuple[str, str]]
) -> None:
    """Also when a word alone sounds a little different."""
    assert matches(words, groups) == expected


@given(st.lists(st.text("abc", max_size=3), max_size=12), st.lists(st.text("abc", max_size=3), max_size=12))
def test_all_words_and_groups_are_covered_in_order(words: list[str], groups: list[str]) -> None:
    """Whatever they are."""
    word = group = 0
    for match in aligned(words, groups):
        assert (match.first_word, match.first_group) == (word, group)
        word, group = match.until_word, match.until_group
    assert (word, group) == (len(words), len(groups))


def cut(words: str, alone: str, phonemes: str) -> list[tuple[str, str]]:
    spans = [m.span() for m in re.finditer(r"\S+", words)]
    found = stretches(spans, alone.split(), list(groups_of(tuple(phonemes))))
    return [(words[s.start : s.end], phonemes[s.first : s.until]) for s in found]


def test_words_in_a_group_are_told_apart_where_their_phonemes_follow_each_other() -> None:
    """Stress belongs to the phoneme after it, a pause to no word."""
    assert cut("of the top", "ʌv ðə tɑp", "ʌvðə tˈɑp.") == [("of", "ʌv"), ("the", "ðə"), ("top", "tˈɑp")]
    assert cut("in a", "ɪn eɪ", "ɪnˈeɪ") == [("in", "ɪn"), ("a", "ˈeɪ")]


def test_words_that_change_each_other_share_their_group() -> None:
    """There is no telling where one ends."""
    assert cut("of the top", "ʌv ðiː tɑp", "əðə tɑp") == [("of the", "əðə"), ("top", "tɑp")]


def test_pauses_are_no_groups() -> None:
    """Nor parts of them."""
    assert [(g.first, g.until) for g in groups_of(tuple("ab, — cd."), 10)] == [(10, 12), (16, 18)]
