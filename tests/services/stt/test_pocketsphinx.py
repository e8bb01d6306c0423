"""The built-in engine: commands of the skills in several voices, and other speech that is none of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from services.stt import SttSettings, Transcript
from services.stt.engines import make_pocketsphinx
from services.stt.engines.pocketsphinx import PocketSphinx
from shared.pcm import CAPTURE_RATE, Floats
from tests.services.stt.spoken import VOICES, silence, speak

SENTENCES: Mapping[str, Mapping[str, object]] = {
    "en": {
        "intents": {
            "Time": {"data": [{"sentences": ["what time is it [in {city}]", "what is the date"]}]},
            "Timer": {"data": [{"sentences": ["set a timer for {n} minute[s]", "cancel the timer"]}]},
            "Light": {"data": [{"sentences": ["turn (on|off) the light[s] in the {room}"]}]},
            "Stop": {"data": [{"sentences": ["stop", "repeat that", "turn the volume up"]}]},
        },
        "lists": {
            "city": {"values": ["tokyo", "new york", "reykjavik"]},
            "room": {"values": ["kitchen", "bedroom"]},
            "n": {"range": {"from": 1, "to": 30}},
        },
    }
}
COMMANDS = (
    "what time is it",
    "what time is it in tokyo",
    "what time is it in reykjavik",
    "set a timer for ten minutes",
    "set a timer for twenty five minutes",
    "cancel the timer",
    "turn on the lights in the kitchen",
    "turn off the light in the bedroom",
    "repeat that",
    "turn the volume up",
)
OTHER = (
    "I would like to read a very long book about gardens and the people who love them",
    "the committee will decide tomorrow whether the bridge can be rebuilt before winter",
    "my grandmother used to bake the most wonderful apple cake in the whole village",
    "they walked slowly through the forest until the rain had stopped completely",
    "nobody knows exactly how many fish are left in the northern sea",
    "she bought seven yellow umbrellas",
)


@pytest.fixture(scope="module")
def engine() -> PocketSphinx:
    engine = make_pocketsphinx(SttSettings(), None)
    engine.learn(SENTENCES)  # type: ignore[arg-type] # JSON, written out
    return engine


def heard(engine: PocketSphinx, sound: Floats) -> Transcript:
    listener = engine.listen("en")
    listener.hear(np.concatenate([silence(0.25), sound, silence(0.25)]))
    return listener.settle()


def found(engine: PocketSphinx, sound: Floats) -> tuple[str, bool]:
    """The sentence of the grammar alone, and whether it is trusted: dictation takes most of the time."""
    sound = np.concatenate([silence(0.25), sound, silence(0.25)])
    engine.follower.begin(engine.grammar.mean(sound))
    engine.follower.hear(sound)
    command = engine.grammar.find(sound, engine.follower.words())
    return (command.text, command.confidence >= engine.settings.grammar_confidence) if command else ("", False)


@pytest.mark.parametrize("command", COMMANDS[::4])
def test_a_command_is_understood(engine: PocketSphinx, command: str) -> None:
    result = heard(engine, speak(command))
    assert (result.text, result.mode, result.trusted) == (command, "grammar", True)


@pytest.mark.slow
def test_nine_in_ten_commands_are_understood_in_several_voices(engine: PocketSphinx) -> None:
    results = [(command, voice, *found(engine, speak(command, voice))) for command in COMMANDS for voice in VOICES]
    accepted = [(command, voice, text) for command, voice, text, trusted in results if trusted]
    refused = [(command, voice, text) for command, voice, text, trusted in results if not trusted]
    assert len(accepted) >= 0.9 * len(results), refused
    wrong = [(command, voice, text) for command, voice, text in accepted if text != command]
    assert len(wrong) <= 0.1 * len(accepted), wrong


def test_a_sentence_that_no_skill_knows_is_dictation(engine: PocketSphinx) -> None:
    result = heard(engine, speak(OTHER[-1]))
    assert (result.mode, result.trusted) == ("dictation", False)


@pytest.mark.parametrize("sentence", OTHER)
def test_other_speech_is_taken_for_no_command(engine: PocketSphinx, sentence: str) -> None:
    text, trusted = found(engine, speak(sentence))
    assert not trusted, text


@pytest.mark.parametrize("kind", ["silence", "noise", "hum", "clicks"])
def test_noise_is_no_command(engine: PocketSphinx, kind: str) -> None:
    random, sound = np.random.default_rng(2), np.zeros(2 * CAPTURE_RATE, np.float32)
    match kind:
        case "noise":
            sound += (random.standard_normal(len(sound)) * 0.1).astype(np.float32)
        case "hum":
            sound += (0.2 * np.sin(2 * np.pi * 100 * np.arange(len(sound)) / CAPTURE_RATE)).astype(np.float32)
        case "clicks":
            sound[::4000] = 0.9
        case _:
            sound = silence(2)
    text, trusted = found(engine, sound)
    assert not trusted, text


def test_the_words_of_a_command_stand_where_they_were_said(engine: PocketSphinx) -> None:
    words = heard(engine, speak("set a timer for ten minutes")).words
    places = [at for word in words for at in (word.start, word.until)]
    assert places == sorted(places)
    assert places[0] >= CAPTURE_RATE // 4 - 1600


def test_a_command_may_be_guessed_before_its_end_and_is_settled_again_when_more_is_said(engine: PocketSphinx) -> None:
    listener = engine.listen("en")
    listener.hear(np.concatenate([silence(0.2), speak("what time is it"), silence(0.2)]))
    assert listener.guess().text == "what time is it"
    assert listener.settle().text == "what time is it"
    listener.hear(np.concatenate([speak("in tokyo"), silence(0.2)]))
    assert listener.settle().text == "what time is it in tokyo"


def test_nothing_more_is_no_harm(engine: PocketSphinx) -> None:
    """A guess may have taken all sound that there was before the pause."""
    nothing = np.zeros(0, np.float32)
    listener = engine.listen("en")
    for sound in (nothing, silence(0.2), speak("what time is it"), silence(0.2), nothing):
        listener.hear(sound)
    assert listener.settle().text == "what time is it"


def test_a_command_is_guessed_word_by_word_and_guessing_changes_nothing(engine: PocketSphinx) -> None:
    """What was heard is not decoded again: a guess is where the decoding is."""
    listener = engine.listen("en")
    sound = np.concatenate([silence(0.25), speak("set a timer for twenty five minutes"), silence(0.25)])
    follower, texts = engine.follower, list[str]()
    for piece in np.array_split(sound, 12):
        listener.hear(piece)
        assert listener.guess() == listener.guess()
        if words := follower.words():
            texts.append(" ".join(words))
    assert texts[-1] == "set a timer for twenty five minutes"
    assert len(set(texts)) >= 4
    assert listener.settle().text == texts[-1]


def test_the_first_command_of_all_is_understood_behind_a_silence() -> None:
    """Nobody knows yet how the microphone sounds, and digital silence sounds like none."""
    engine = make_pocketsphinx(SttSettings(), None)
    engine.learn(SENTENCES)  # type: ignore[arg-type] # JSON, written out
    listener = engine.listen("en")
    sound = np.concatenate([np.zeros(CAPTURE_RATE, np.float32), speak("set a timer for twenty five minutes")])
    for piece in np.array_split(sound, 12):
        listener.hear(piece)
    first = listener.settle()
    assert (first.text, first.trusted) == ("set a timer for twenty five minutes", True)


def test_an_utterance_that_was_left_does_not_leak_into_the_next(engine: PocketSphinx) -> None:
    engine.listen("en").hear(speak(OTHER[-1]))
    assert heard(engine, speak("cancel the timer")).text == "cancel the timer"


@pytest.mark.slow
def test_what_lasts_longer_than_a_command_is_dictation_in_bounded_memory(engine: PocketSphinx) -> None:
    listener = engine.listen("en")
    spoken = speak(OTHER[0])
    for _ in range(5):
        listener.hear(spoken)
    assert listener._sound == []
    result = listener.settle()
    assert (result.mode, result.trusted) == ("dictation", False)
    assert [word.start for word in result.words] == sorted(word.start for word in result.words)
    assert result.seconds > 20


def test_without_sentences_everything_is_dictation() -> None:
    engine = make_pocketsphinx(SttSettings(), None)
    assert heard(engine, speak("stop")).mode == "dictation"
    engine.learn(SENTENCES)  # type: ignore[arg-type] # JSON, written out
    assert heard(engine, speak("cancel the timer")).mode == "grammar"
    engine.learn({"de": {"intents": {}}})
    assert heard(engine, speak("cancel the timer")).mode == "dictation"


def test_what_is_not_wanted_any_more_is_not_learnt() -> None:
    """Whoever ends Sotto amid its start waits for none of it."""
    engine = make_pocketsphinx(SttSettings(), None)
    engine.learn(SENTENCES, lambda: False)  # type: ignore[arg-type] # JSON, written out
    assert not engine.grammar.knows


def test_sentences_that_cannot_be_read_leave_it_without_a_grammar(engine: PocketSphinx) -> None:
    other = make_pocketsphinx(SttSettings(), None)
    other.learn({"en": {"intents": {"Broken": {"data": [{"sentences": ["turn (on"]}]}}}})
    assert heard(other, speak("stop")).mode == "dictation"
