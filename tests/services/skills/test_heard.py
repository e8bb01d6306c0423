"""What a recogniser's grammar listens for is all understood: by the skill that it stands under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from services.skills.matcher import Matcher
from services.skills.ringing import Question
from services.skills.sentences import load
from services.skills.skill import Asked
from services.skills.understanding import understood
from services.skills.wording import Wording
from services.stt.grammar import RARE, WordGraph, compile_sentences

SPOKEN = load("en").published
SENTENCES_EACH = 40
QUESTION = Question(session="s", at=0, skill="cancel_timer", arguments={}, among=("1", "2"))


@pytest.fixture(scope="module")
def matchers() -> dict[bool, Matcher]:
    """By whether Sotto has asked something back."""
    said = load("en")
    return {False: Matcher(said.habits, said.ours()), True: Matcher(said.habits, said.answers())}


def any_sentence(graph: WordGraph, random: np.random.Generator) -> str:
    """A walk from the start to an end."""
    state, words = 0, list[str]()
    while graph.arcs[state] and not (state in graph.finals and random.random() < 0.5):
        word = random.choice(sorted(graph.arcs[state]))
        words.append(word.removesuffix(RARE))
        state = graph.arcs[state][word]
    return " ".join(words)


@pytest.mark.parametrize("skill", SPOKEN["intents"])
def test_every_sentence_of_the_grammar_reaches_its_skill(skill, skills, matchers):
    graph = compile_sentences({**SPOKEN, "intents": {skill: SPOKEN["intents"][skill]}, "skip_words": []}, "en")
    now, random = datetime(2026, 11, 21, 14, tzinfo=UTC), np.random.default_rng(1)
    for sentence in dict.fromkeys(any_sentence(graph, random) for _ in range(SENTENCES_EACH)):
        words = Wording("en", load("en").phrases)
        asked = Asked(id="1", session="s", language="en", now=now, now_ns=0, words=words, sentence=sentence)
        if skill == "which_one":
            asked = replace(asked, question=QUESTION)
        found = understood(matchers[asked.question is not None].matches(sentence), skills, asked)
        assert found is not None, sentence
        assert found[0].name == skill, sentence


def test_the_grammar_is_small_enough_to_tell_its_sentences_apart():
    """36,000 arcs took half as many sentences right as 4,400 (docs/adr/0016)."""
    assert compile_sentences(SPOKEN, "en").size < 6000
