"""Words that mean something to turn-taking itself."""

from __future__ import annotations

import pytest

from services.dialogue.words import differing, hangs, is_backchannel, is_complete, is_echo, is_hum, is_stop, normal


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "mm-hmm"),
        ("en", "Uh-huh."),
        ("en", "okay"),
        ("en", "yeah, right"),
        ("en", "I see"),
        ("de", "ja genau"),
        ("de", "Ach so."),
        ("de", "hm"),
        ("fr", "d'accord"),
        ("fr", "D’accord."),
        ("fr", "je vois"),
        ("es", "vale"),
        ("es", "Sí, claro."),
    ],
)
def test_a_backchannel_is_known_in_each_language(language: str, said: str) -> None:
    assert is_backchannel(said, language)


@pytest.mark.parametrize("said", ["okay but what about Berlin", "right turn", "what", "yes please stop"])
def test_a_backchannel_with_more_behind_it_is_none(said: str) -> None:
    assert not is_backchannel(said, "en")


@pytest.mark.parametrize(("said", "hum"), [("mm-hmm", True), ("um", True), ("Uh, huh", True), ("okay", False)])
def test_a_hum_has_no_meaning_and_okay_may_be_an_answer(said: str, hum: bool) -> None:
    assert is_hum(said) is hum


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Stop!"),
        ("en", "please stop"),
        ("de", "hör auf"),
        ("fr", "ça suffit"),
        ("fr", "tais-toi"),
        ("es", "basta"),
    ],
)
def test_a_wish_for_silence_is_known_in_each_language(language: str, said: str) -> None:
    assert is_stop(said, language)


def test_a_request_that_contains_stop_is_no_plain_stop() -> None:
    assert not is_stop("where is the bus stop", "en")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "set a timer for"),
        ("en", "what is the"),
        ("en", "um"),
        ("en", "bread, milk,"),
        ("de", "stell einen Timer auf"),
        ("fr", "mets un minuteur de"),
        ("es", "pon un temporizador de"),
    ],
)
def test_a_sentence_that_asks_for_another_word_hangs(language: str, said: str) -> None:
    assert hangs(said, language)


def test_a_finished_sentence_does_not_hang() -> None:
    assert not hangs("what time is it", "en")
    assert not hangs("", "en")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "set a timer for five minutes"),
        ("en", "What is the capital of France?"),
        ("en", "what time is it"),
        ("de", "wie spät ist es"),
        ("fr", "quelle heure est-il"),
        ("es", "qué hora es"),
    ],
)
def test_a_whole_request_is_complete(language: str, said: str) -> None:
    assert is_complete(said, language)


@pytest.mark.parametrize("said", ["tell me about", "and then...", "the capital"])
def test_a_part_of_a_request_is_not_complete(said: str) -> None:
    assert not is_complete(said, "en")


@pytest.mark.parametrize("heard", ["upon a time", "time there", "once apon a time there was"])
def test_a_run_of_the_spoken_words_is_an_echo_even_a_little_misheard(heard: str) -> None:
    assert is_echo(heard, "Once upon a time, there was")


@pytest.mark.parametrize("heard", ["", "a there", "what time is it", "upon the time"])
def test_other_words_are_no_echo(heard: str) -> None:
    assert not is_echo(heard, "Once upon a time, there was")


def test_case_punctuation_and_apostrophes_do_not_matter() -> None:
    assert normal("It’s TEN, o'clock!") == ("it's", "ten", "o'clock")


@pytest.mark.parametrize(
    ("text", "other", "parts"),
    [
        ("set a timer for fifty minutes", "set a timer for fifteen minutes", ("fifty", "fifteen")),
        ("five plus forty eight", "five plus fourteen", ("forty eight", "fourteen")),
        ("a a b", "a b", ("a", "")),
        ("same", "same", ("", "")),
    ],
)
def test_two_texts_differ_in_what_neither_begins_nor_ends_alike(text: str, other: str, parts: tuple[str, str]) -> None:
    assert differing(text, other) == parts
