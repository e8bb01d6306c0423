"""Piper's engine speaks a voice's phonemes, says where each word sounds, stops in mid-network, and names bad files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
from piper.phonemize_espeak import EspeakPhonemizer

from services.tts.batch import Speech, synthesise
from services.tts.engines.piper import PiperEngine, parts
from services.tts.engines.piper_files import VoiceCorrupt, VoiceIncomplete, VoiceUnsupported
from services.tts.port import Delivery, SpeechStopped, SpokenWord, TtsError
from shared.installed import InstalledModel
from shared.pcm import floats, samples_in

VoiceFiles = Callable[..., InstalledModel]


def heard(speech: Speech, first: int, until: int) -> str:
    """The phonemes whose numbers are the levels of these samples (see the conftest's voice), without padding."""
    numbers = np.rint(floats(speech.pcm)[first:until] * 255).astype(int)
    changes = numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]
    names = {ids[0]: phoneme for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
    return "".join(names[n] for n in changes if n in names and n != 0)


def said(text: str) -> str:
    """The phonemes of a word, stress left out as it depends on the sentence, and the final pause."""
    return "".join(p for s in EspeakPhonemizer().phonemize("en-us", text) for p in s).translate(
        {712: None, 716: None, 46: None}
    )


def words_heard(text: str, speech: Speech) -> dict[str, str]:
    return {
        text[m.start : m.end]: heard(speech, m.first_sample, m.until_sample).translate({712: None, 716: None})
        for m in speech.marks
    }


def test_a_word_is_marked_exactly_where_its_phonemes_sound(voice_files: VoiceFiles) -> None:
    """The samples of each mark hold the word's own phonemes and no others."""
    text = "Seven green parrots, laughing loudly. Who knows?"
    speech = synthesise(PiperEngine.load(voice_files()), text, Delivery("en"))
    assert words_heard(text, speech) == {
        "Seven": said("seven"),
        "green": said("green"),
        "parrots": said("parrots"),
        "laughing": said("laughing"),
        "loudly": said("loudly"),
        "Who": said("who"),
        "knows": said("knows"),
    }


def test_words_that_espeak_runs_together_are_told_apart(voice_files: VoiceFiles) -> None:
    """By their own phonemes."""
    text = "The top of the house in the rain"
    speech = synthesise(PiperEngine.load(voice_files()), text, Delivery("en"))
    marks = {text[m.start : m.end] + str(i): (m.first_sample, m.until_sample) for i, m in enumerate(speech.marks)}
    assert list(marks) == ["The0", "top1", "of2", "the3", "house4", "in5", "the6", "rain7"]
    assert marks["of2"][1] == marks["the3"][0]
    assert heard(speech, *marks["of2"]) + heard(speech, *marks["the3"]) == said("of the")
    found = words_heard(text, speech)
    assert (found["top"], found["house"], found["rain"]) == (said("top"), said("house"), said("rain"))


def test_all_samples_are_written_and_positions_stay_inside(voice_files: VoiceFiles) -> None:
    """Each phoneme lasts as long as the network says; the marks are in order."""
    text = "One two, three. Four five six! Seven?"
    speech = synthesise(PiperEngine.load(voice_files()), text, Delivery("en"))
    whole = heard(speech, 0, samples_in(speech.pcm) - 1)
    assert whole.count("^") == whole.count("$") == len(list(parts(text)))
    ends = [m.until_sample for m in speech.marks]
    assert ends == sorted(ends)
    assert len(ends) == 7
    assert ends[-1] <= samples_in(speech.pcm)
    assert (speech.rate, speech.engine, speech.model) == (16_000, "piper", "en_US-test-low")


def test_a_voice_without_phoneme_lengths_estimates_them(voice_files: VoiceFiles) -> None:
    """All words are still marked, in order."""
    speech = synthesise(PiperEngine.load(voice_files(aligned=False)), "one two three", Delivery("en"))
    assert [m.start for m in speech.marks] == [0, 4, 8]
    assert 0 < speech.marks[0].until_sample < speech.marks[1].until_sample < speech.marks[2].until_sample


def test_rate_and_volume_are_the_deliverys(voice_files: VoiceFiles) -> None:
    """Twice as fast is about half as long (frames are rounded up); half the volume is half the level."""
    engine = PiperEngine.load(voice_files())
    plain, fast, quiet = (
        synthesise(engine, "parrots laughing", d)
        for d in (Delivery("en"), Delivery("en", rate=2.0), Delivery("en", volume=0.5))
    )
    assert 0.45 < samples_in(fast.pcm) / samples_in(plain.pcm) < 0.7
    assert floats(quiet.pcm).max() == pytest.approx(floats(plain.pcm).max() / 2, abs=1e-3)


def test_one_of_several_speakers_speaks(voice_files: VoiceFiles) -> None:
    """The network is given a number it knows, whatever was asked for."""
    model = voice_files(speakers=3)
    for speaker in (None, 2, 99):
        assert synthesise(PiperEngine.load(model, speaker=speaker), "hello", Delivery("en")).pcm


def test_sentences_are_cut_for_the_network() -> None:
    """The first long one at its first comma, very long ones at a space, all text once."""
    text = "This is rather a long beginning, and its end. Short one, yes! " + "word " * 200
    cut = [text[a:b] for a, b in parts(text)]
    assert cut[:3] == ["This is rather a long beginning,", " and its end.", "Short one, yes!"]
    assert max(map(len, cut)) <= 300
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert list(parts("x" * 700)) == [(0, 300), (300, 600), (600, 700)]
    assert list(parts("")) == list(parts("  ")) == []


class Stopping:
    """An `Out` that a test stops from another thread."""

    def __init__(self) -> None:
        self.stopped = False
        self.waiting = threading.Event()
        self.callbacks: list[Callable[[], None]] = []

    def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        raise AssertionError("written to after it was stopped")

    def when_stopped(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)
        self.waiting.set()

    def stop(self) -> None:
        self.stopped = True
        for callback in self.callbacks:
            callback()


def test_a_running_network_is_ended(voice_files: VoiceFiles) -> None:
    """A network that would run for hours ends at its next node."""
    engine, out = PiperEngine.load(voice_files(loops=2**40)), Stopping()
    stopper = threading.Thread(target=lambda: out.waiting.wait(10) and out.stop())
    stopper.start()
    with pytest.raises(SpeechStopped):
        engine.speak("rhododendrons, magnolias and chrysanthemums", Delivery("en"), out)
    stopper.join()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def scrambled(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 8)


@pytest.mark.parametrize("ending", [".onnx", ".onnx.json"])
@pytest.mark.parametrize("damage", [truncated, emptied, scrambled])
def test_a_damaged_file_is_refused_by_name(
    voice_files: VoiceFiles, ending: str, damage: Callable[[Path], None]
) -> None:
    """With the command that mends it."""
    model = voice_files()
    damage(model.path / f"{model.name}{ending}")
    with pytest.raises(VoiceCorrupt, match=rf"en_US-test-low{ending}, .*`sotto models pull en_US-test-low`"):
        PiperEngine.load(model)


@pytest.mark.parametrize("ending", [".onnx", ".onnx.json"])
def test_a_missing_file_is_named(voice_files: VoiceFiles, ending: str) -> None:
    """Whether the shelf knows it or not."""
    model = voice_files()
    (model.path / f"{model.name}{ending}").unlink()
    with pytest.raises(VoiceIncomplete, match="lacks its file"):
        PiperEngine.load(model)
    kept = tuple(f for f in model.files if not f.name.endswith(ending))
    with pytest.raises(VoiceIncomplete, match="has no"):
        PiperEngine.load(InstalledModel("tts", model.name, "piper", model.path, kept, ("en",)))


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"audio": {"sample_rate": 0}}, "sample rate is 0"),
        ({"audio": {"sample_rate": "22050"}}, "sample rate is '22050'"),
        ({"audio": {"sample_rate": 96_000}}, "sample rate is 96000"),
        ({"audio": {}}, "cannot be read"),
        ({"num_symbols": 10}, "outside 0 to 9"),
        ({"num_speakers": 5}, "takes input, input_lengths, scales"),
        ({"num_speakers": "one"}, "no numbers"),
        ({"phoneme_id_map": {"a": [1]}}, "no beginning"),
        ({"phoneme_id_map": 7}, "no beginning"),
        ({"hop_length": 0}, "hop length is 0"),
        ({"inference": {"length_scale": 0}}, "scales are"),
        ({"phoneme_type": "martian"}, "cannot be read"),
        ({"espeak": None}, "cannot be read"),
    ],
)
def test_a_configuration_that_cannot_be_true_is_refused(
    voice_files: VoiceFiles, config: dict[str, Any], why: str
) -> None:
    """Before anything is spoken with it."""
    with pytest.raises(VoiceCorrupt, match=why):
        PiperEngine.load(voice_files(**config))


def test_a_voice_with_foreign_phonemes_is_refused(voice_files: VoiceFiles) -> None:
    """It would need other software."""
    with pytest.raises(VoiceUnsupported, match="pinyin"):
        PiperEngine.load(voice_files(phoneme_type="pinyin"))


def test_a_voice_of_a_language_without_phonemes_is_refused(voice_files: VoiceFiles) -> None:
    """espeak-ng must know it."""
    with pytest.raises(TtsError, match="'martian' has no phonemes"):
        PiperEngine.load(voice_files(espeak_voice="martian"))


def test_a_voice_may_take_letters_for_phonemes(voice_files: VoiceFiles) -> None:
    """Then each word is marked where its letters sound."""
    text = "seven green parrots"
    speech = synthesise(PiperEngine.load(voice_files(phoneme_type="text")), text, Delivery("en"))
    assert [heard(speech, m.first_sample, m.until_sample) for m in speech.marks] == text.split()


def test_a_network_of_another_kind_is_refused(voice_files: VoiceFiles) -> None:
    """A speech recogniser's, say, or one that takes other inputs."""
    import onnx

    model = voice_files()
    network = onnx.load(str(model.files[0]))
    network.graph.input[0].name = "mel"
    for node in network.graph.node:
        node.input[:] = ["mel" if name == "input" else name for name in node.input]
    onnx.save(network, str(model.files[0]))
    with pytest.raises(VoiceCorrupt, match="takes input_lengths, mel, scales"):
        PiperEngine.load(model)
