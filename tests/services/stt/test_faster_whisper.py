"""faster-whisper on tiny models that the tests write: the real encoder, decoder, alignment and file checks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from services.stt import EngineUnusable, SttSettings
from services.stt.engines import make_faster_whisper
from services.stt.engines.faster_whisper import FasterWhisper, _Decoded, _Listener
from services.stt.transcribe import transcribe
from services.stt.transcript import Spoken
from shared.pcm import CAPTURE_RATE, Floats
from tests.services.stt.spoken import silence, speak
from tests.services.stt.whispers import write_whisper

SAID = ("turn", "on", "the", "light")
SETTINGS = SttSettings(device="cpu", cpu_threads=1, beam_size=1)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> FasterWhisper:
    return make_faster_whisper(SETTINGS, write_whisper(tmp_path_factory.mktemp("scripted"), SAID))


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> FasterWhisper:
    return make_faster_whisper(SETTINGS, write_whisper(tmp_path_factory.mktemp("random")))


def test_words_come_in_order_with_times_inside_the_sound(scripted: FasterWhisper) -> None:
    sound = np.concatenate([speak("turn on the light"), silence(1)])
    listener = scripted.listen("en")
    listener.hear(sound)
    transcript = listener.settle()
    assert transcript.text == "turn on the light"
    assert [word.text for word in transcript.words] == list(SAID)
    ends = [0] + [at for word in transcript.words for at in (word.start, word.until)] + [len(sound)]
    assert ends == sorted(ends)
    assert transcript.trusted
    assert transcript.language == "en"
    assert transcript.seconds == len(sound) / CAPTURE_RATE


def test_the_second_guess_that_agrees_makes_its_words_stable(scripted: FasterWhisper) -> None:
    listener = scripted.listen("en")
    listener.hear(speak("turn on the light"))
    assert listener.guess().stable == ""
    listener.hear(silence(0.2))
    again = listener.guess()
    assert again.stable == again.text == "turn on the light"
    assert listener.settle().text == "turn on the light"


def test_silence_is_never_given_to_the_model(scripted: FasterWhisper) -> None:
    """The scripted model would say its words to anything."""
    listener = scripted.listen("en")
    listener.hear(np.zeros(3 * CAPTURE_RATE, np.float32))
    assert listener.settle().text == ""


@pytest.mark.parametrize("level", [0.01, 0.3])
def test_what_a_model_is_not_sure_of_is_no_text(random: FasterWhisper, level: float) -> None:
    """Random weights give every token about the same small chance: the guards leave nothing of it."""
    noise = (np.random.default_rng(1).standard_normal(2 * CAPTURE_RATE) * level).astype(np.float32)
    listener = random.listen("en")
    listener.hear(noise)
    transcript = listener.settle()
    assert (transcript.text, transcript.trusted) == ("", False)


def test_a_recording_is_cut_at_pauses_and_its_words_stand_at_their_place(scripted: FasterWhisper) -> None:
    spoken = speak("turn on the light please, will you, before it is dark")
    sound = np.concatenate([silence(1), spoken, silence(2), spoken, silence(1)])
    transcript = transcribe(scripted, sound, "en")
    assert transcript.text == "turn on the light turn on the light"
    assert transcript.words[0].start < CAPTURE_RATE + len(spoken)
    assert transcript.words[4].start > 2 * CAPTURE_RATE + len(spoken)


def test_broken_samples_count_as_silence(scripted: FasterWhisper) -> None:
    assert transcribe(scripted, np.full(CAPTURE_RATE, np.nan, np.float32)).text == ""
    assert transcribe(scripted, np.zeros(0, np.float32)).text == ""


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "of another kind"])
def test_a_damaged_file_is_refused_with_a_remedy(tmp_path: Path, name: str, damage: str) -> None:
    model = write_whisper(tmp_path, SAID, name="small-en")
    path = tmp_path / name
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case _:
            path.write_bytes(b"\x7fELF and nothing that belongs here")
    with pytest.raises(EngineUnusable, match="small-en") as caught:
        make_faster_whisper(SETTINGS, model)
    assert "sotto models" in caught.value.remedy


def test_a_model_that_wants_other_features_is_refused_when_loaded(tmp_path: Path) -> None:
    model = write_whisper(tmp_path, SAID)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"feature_size": 128}))
    with pytest.raises(EngineUnusable, match="tiny-test"):
        make_faster_whisper(SETTINGS, model)


def test_without_a_model_it_says_how_to_get_one() -> None:
    with pytest.raises(EngineUnusable, match="sotto models pull"):
        make_faster_whisper(SETTINGS, None)


class Reader:
    """Decodes sound whose samples spell words: each half second is one word, its number the sample's value."""

    name = "reader"
    settings = SETTINGS
    longest = 0
    prompts: list[str]

    def __init__(self) -> None:
        self.prompts = []

    def decode(self, sound: Floats, language: str, beam_size: int, prompt: str) -> _Decoded:
        self.longest = max(self.longest, len(sound))
        self.prompts.append(prompt)
        step = CAPTURE_RATE // 2
        words = []
        for at in range(0, len(sound), step):
            value = round(float(sound[at + min(step, len(sound) - at) // 2]) * 10_000)
            words.append(Spoken(f"w{value}", at, min(at + step, len(sound)), 0.9))
        return _Decoded(words, "en", 1.0)


def spelled(count: int) -> Floats:
    return np.repeat(np.arange(1, count + 1, dtype=np.float32) / 10_000, CAPTURE_RATE // 2)


@pytest.mark.parametrize("step_s", [0.5, 3.0, 40.0])
def test_a_monologue_is_kept_whole_in_bounded_memory(step_s: float) -> None:
    """Five minutes in steps: every word once and in order, stable text only appended to, never over 30 s decoded."""
    reader = Reader()
    listener = _Listener(reader, "en")
    sound, step, stable = spelled(600), int(step_s * CAPTURE_RATE), ""
    for at in range(0, len(sound), step):
        listener.hear(sound[at : at + step])
        guess = listener.guess()
        assert guess.stable.startswith(stable)
        assert guess.text.startswith(guess.stable)
        stable = guess.stable
    words = listener.settle().words
    assert reader.longest <= 28 * CAPTURE_RATE
    assert len({word.text for word in words}) >= 0.95 * 600, "a word at a forced cut may be lost, no more"
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert all(abs(word.start - (int(word.text[1:]) - 1) * CAPTURE_RATE // 2) <= CAPTURE_RATE // 2 for word in words)


def test_what_was_kept_is_the_next_prompt() -> None:
    reader = Reader()
    listener = _Listener(reader, "en")
    for at in range(0, 20 * CAPTURE_RATE, CAPTURE_RATE):
        listener.hear(spelled(40)[at : at + CAPTURE_RATE])
        listener.guess()
    assert reader.prompts[-1].startswith("w1 w2 w3")
