"""Which skill a sentence reaches: what people say finds its skill and slots, ordinary talk finds none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.skills.matcher import Matcher
from services.skills.sentences import LANGUAGES, load
from services.skills.skill import Arguments, Asked
from services.skills.understanding import understood
from services.skills.wording import Wording

SAID = {
    language: yaml.safe_load((Path(__file__).parent / "said" / f"{language}.yaml").read_text("utf-8"))
    for language in LANGUAGES
}
OURS = [(language, *said) for language, lists in SAID.items() for said in lists["ours"]]
NOT_OURS = [(language, said) for language, lists in SAID.items() for said in lists["not_ours"]]

Understand = Callable[[str, str], tuple[str, Arguments] | None]


@pytest.fixture(scope="module")
def understand(skills) -> Understand:
    """Returns the skill's name and its arguments for a sentence."""
    sentences = {language: load(language) for language in LANGUAGES}
    matchers = {
        language: [Matcher(said.habits, said.ours()), Matcher(said.habits, said.borrowed())]
        for language, said in sentences.items()
    }

    def find(language: str, sentence: str) -> tuple[str, Arguments] | None:
        words = Wording(language, sentences[language].phrases)
        now = datetime(2026, 11, 21, 14, tzinfo=UTC)
        asked = Asked(id="1", session="s", language=language, now=now, now_ns=0, words=words, sentence=sentence)
        for matcher in matchers[language]:
            found = understood(matcher.matches(sentence), skills, asked)
            if found is not None:
                return found[0].name, found[1]
        return None

    return find


@pytest.mark.parametrize(("language", "sentence", "skill", "arguments"), OURS)
def test_what_people_say_reaches_its_skill(
    understand: Understand, language: str, sentence: str, skill: str, arguments: dict[str, Any]
):
    found = understand(language, sentence)
    assert found is not None
    name, filled = found
    said = filled.model_dump(exclude_defaults=True)
    given = {key: value for key, value in arguments.items() if type(filled).model_fields[key].default != value}
    assert (name, said) == (skill, given)


@pytest.mark.parametrize(("language", "sentence"), NOT_OURS)
def test_ordinary_talk_reaches_none(understand: Understand, language: str, sentence: str):
    assert understand(language, sentence) is None


def test_there_are_enough_sentences_to_mean_something():
    assert len(SAID["en"]["ours"]) >= 100
    assert len(SAID["en"]["not_ours"]) >= 60
