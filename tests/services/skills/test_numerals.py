"""Number words become digits, in four languages, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from num2words import num2words

from services.skills.sentences import load
from services.skills.spoken import digits, tidy
from services.skills.spoken.numerals import LANGUAGES

ARTICLE_ONE = {"fr", "es"}
"""Languages whose word for one, as num2words says it, is also the article."""


def words(number: int, language: str) -> str:
    """The number as it is spoken, in the plain form."""
    said = num2words(number, lang=language).lower()
    return " ".join(said.replace("-", " ").replace(",", "").split())


@pytest.mark.parametrize("language", LANGUAGES)
@given(number=st.one_of(st.integers(0, 3000), st.integers(0, 10**9 - 1)))
def test_every_number_comes_back_from_its_words(language, number):
    if number == 1 and language in ARTICLE_ONE:
        return
    assert digits(words(number, language), language) == str(number)


@pytest.mark.parametrize("language", LANGUAGES)
@given(numbers=st.tuples(st.integers(2, 10**6), st.integers(2, 10**6)))
def test_numbers_with_a_word_between_them_stay_two(language, numbers):
    left, right = numbers
    text = f"{words(left, language)} xyz {words(right, language)}"
    assert digits(text, language) == f"{left} xyz {right}"


@pytest.mark.parametrize(
    ("language", "text", "plain"),
    [
        ("en", "seven thirty", "7 30"),
        ("en", "nineteen forty five", "19 45"),
        ("en", "one two three", "1 2 3"),
        ("en", "twenty five hundred", "2500"),
        ("en", "a hundred and five", "105"),
        ("en", "a timer and a half", "a timer and a half"),
        ("en", "three point one four", "3.14"),
        ("en", "the point is", "the point is"),
        ("en", "2.5 million", "2500000"),
        ("en", "someone weighs a ton", "someone weighs a ton"),
        ("de", "stelle einen timer", "stelle einen timer"),
        ("de", "achtung hundertfünf", "achtung 105"),
        ("de", "drei komma fünf", "3.5"),
        ("de", "zwanzig und eins", "20 und 1"),
        ("fr", "quatre vingt dix sept", "97"),
        ("fr", "quatre vingts", "80"),
        ("fr", "soixante et onze", "71"),
        ("fr", "un minuteur", "un minuteur"),
        ("fr", "trois virgule vingt cinq", "3.25"),
        ("es", "treinta y cinco", "35"),
        ("es", "siete y media", "7 y media"),
        ("es", "las siete y veinte", "las 7 y 20"),
        ("es", "un temporizador", "un temporizador"),
        ("xx", "seven", "seven"),
    ],
)
def test_words_that_are_no_number_stay(language, text, plain):
    assert digits(text, language) == plain


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text(max_size=60))
@example(text=".%")
@example(text='."0')
def test_any_text_has_a_plain_form_that_is_its_own(language, text):
    habits = HABITS[language]
    plain = tidy(text, habits)
    assert tidy(plain, habits) == plain


HABITS = {language: load(language).habits for language in LANGUAGES}


@pytest.mark.parametrize(
    ("language", "text", "plain"),
    [
        ("en", "What's 1,000 × 3?", "what is 1000 * 3"),
        ("en", "Set an alarm for 7:30 a.m.!", "set an alarm for 7 30 am"),
        ("en", "a 90-minute timer", "a 90 minute timer"),
        ("en", "Hey Sotto, what’s up?", "hey sotto what is up"),
        ("en", "what is -5 plus 3", "what is -5 plus 3"),
        ("de", "Was ist 1.000,5 plus 2?", "was ist 1000.5 plus 2"),
        ("fr", "Quelle heure est-il ?", "quelle heure est il"),
        ("fr", "à 7h30", "à 7 h 30"),
        ("es", "¿Qué hora es?", "qué hora es"),
    ],
)
def test_typed_text_meets_spoken_text(language, text, plain):
    assert tidy(text, HABITS[language]) == plain
