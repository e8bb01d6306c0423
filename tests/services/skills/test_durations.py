"""A length of time, said in any of the languages, is the timer that is set: there and back again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from services.skills.matcher import Matcher
from services.skills.sentences import LANGUAGES, load
from services.skills.skill import Asked
from services.skills.understanding import understood
from services.skills.wording import Wording

ASKING = {
    "en": "set a timer for {}",
    "de": "stelle einen timer auf {}",
    "fr": "mets un minuteur de {}",
    "es": "pon un temporizador de {}",
}
SENTENCES = {language: load(language) for language in LANGUAGES}
MATCHERS = {language: Matcher(said.habits, said.ours()) for language, said in SENTENCES.items()}
WORDS = {language: Wording(language, said.phrases) for language, said in SENTENCES.items()}
LENGTHS = st.builds(
    lambda hours, minutes, seconds: timedelta(hours=hours, minutes=minutes, seconds=seconds),
    st.sampled_from((0, 0, 1, 2, 11, 23)),
    st.integers(0, 59),
    st.integers(0, 59),
).filter(bool)


def heard(text: str, language: str, skills) -> timedelta:
    asked = Asked("1", "s", language, datetime(2026, 11, 21, tzinfo=UTC), 0, WORDS[language])
    found = understood(MATCHERS[language].matches(ASKING[language].format(text)), skills, asked)
    assert found is not None, text
    assert found[0].name == "set_timer", text
    return found[1].length()


AGREEING = {
    "en": (),
    "de": ((r"\beins (?=Stunde|Minute|Sekunde)", "eine "),),
    "fr": ((r"\bun (?=heure|minute|seconde)", "une "),),
    "es": ((r"uno (?=hora)", "una "), (r"uno (?=minuto|segundo)", "un ")),
}
"""How the number one agrees with its unit."""


def spelled(text: str, language: str) -> str:
    """The written duration as recognition would write it: numbers in words."""
    said = " ".join(num2words(int(word), lang=language) if word.isdecimal() else word for word in text.split())
    for one, agreeing in AGREEING[language]:
        said = re.sub(one, agreeing, said)
    return said


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(length=LENGTHS)
def test_the_duration_that_is_written_is_the_duration_that_is_heard(skills, language, length):
    assert heard(WORDS[language].duration(length), language, skills) == length


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=40, deadline=None)
@given(length=LENGTHS)
def test_so_is_the_one_whose_numbers_are_spelled_out(skills, language, length):
    assert heard(spelled(WORDS[language].duration(length), language), language, skills) == length
