"""Numbers that sound alike: told apart, or both named."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from services.stt import SttSettings, Transcript
from services.stt.engines import make_pocketsphinx
from services.stt.engines.pocketsphinx import PocketSphinx
from tests.services.stt.spoken import VOICES, silence, speak

TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@pytest.fixture(scope="module")
def engine() -> PocketSphinx:
    sentences = ["set a timer for {n} minutes", "wake me in {n} minutes", "what is {n} times {n}"]
    engine = make_pocketsphinx(SttSettings(), None)
    engine.learn(
        {
            "en": {
                "intents": {"Any": {"data": [{"sentences": sentences}]}},
                "lists": {"n": {"range": {"from": 2, "to": 99}}},
            }
        }
    )
    return engine


def heard(engine: PocketSphinx, text: str, voice: str = VOICES[0]) -> Transcript:
    listener = engine.listen("en")
    listener.hear(np.concatenate([silence(0.25), speak(text, voice), silence(0.25)]))
    return listener.settle()


@pytest.mark.parametrize(
    "text",
    [
        "what is seventeen times twenty three",
        "what is seven times forty eight",
        "what is seven times fourteen",
        "wake me in twenty minutes",
        "wake me in ninety minutes",
    ],
)
def test_what_is_clearly_one_number_is_trusted(engine: PocketSphinx, text: str) -> None:
    result = heard(engine, text)
    assert (result.text, result.trusted, result.others) == (text, True, ())


def test_between_two_numbers_the_likelier_is_told_and_not_trusted(engine: PocketSphinx) -> None:
    said = ((f"set a timer for {teen} minutes", voice) for voice in VOICES for teen in TEENS)
    results = ((text, heard(engine, text, voice)) for text, voice in said)
    in_doubt = list(islice(((text, result) for text, result in results if result.others), 2))
    assert in_doubt, "before an m no teen is clearly heard"
    for text, result in in_doubt:
        assert text in (result.text, *result.others)
        assert (result.trusted, result.complete, result.mode) == (False, True, "grammar")
        assert result.confidence <= 0.5


def test_its_words_stand_where_they_were_said(engine: PocketSphinx) -> None:
    words = heard(engine, "what is seventeen times twenty three").words
    assert [word.text for word in words] == ["what", "is", "seventeen", "times", "twenty", "three"]
    assert all(word.start < word.until for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


def test_only_what_is_a_sentence_is_held_against_what_was_found() -> None:
    engine = make_pocketsphinx(SttSettings(), None)
    engine.learn({"en": {"intents": {"Any": {"data": [{"sentences": ["wake me in seventy minutes", "stop"]}]}}}})
    result = heard(engine, "wake me in seventeen minutes")
    assert (result.text, result.others) in [("wake me in seventy minutes", ()), ("", ())]


@pytest.mark.slow
def test_of_all_teens_and_tens_in_four_voices_few_are_asked_for_and_hardly_any_is_wrong(engine: PocketSphinx) -> None:
    said = [f"what is seven times {number}" for number in TEENS + TENS] + [
        f"wake me in {number} minutes" for number in TEENS
    ]
    results = [(text, heard(engine, text, voice)) for text in said for voice in VOICES]
    wrong = [(text, result.text) for text, result in results if result.trusted and result.text != text]
    in_doubt = [(text, result) for text, result in results if result.others]
    assert len(wrong) <= 0.05 * len(results), wrong
    assert len(in_doubt) <= 0.15 * len(results)
    assert all(text in (result.text, *result.others) for text, result in in_doubt)
