"""espeak-ng speaks every word, says where, and stops when told to."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tts.batch import Speech, synthesise
from services.tts.engines.espeak import EspeakEngine, espeak_voices
from services.tts.engines.espeak_library import EspeakUnavailable, espeak_library
from services.tts.port import Delivery, Engine, SpeechStopped, SpokenWord
from services.tts.speakable import speakable
from shared.pcm import floats, level_dbfs, samples_in

SENTENCES = {
    "en": (
        "A rainbow is caused by reflection, refraction and dispersion of light in water droplets.",
        "Of the people, by the people, in the house: it's twenty-three o'clock!",
        "The café in the façade — naïve, isn't it? “Quite so,” she said; don't you think…",
        "U S B, N A S A, mother-in-law.",
    ),
    "de": ("Die Größe der Straßenbahn in München überrascht: fünfundzwanzig Meter!", "Ein Bär aß Käse."),
    "fr": ("L'été, où j'ai goûté des crêpes à Nîmes, fut très chaud.", "Qu'est-ce que c'est ?"),
    "es": ("El niño pidió ¿cuántos años?, y la señora contestó: ¡veintidós!",),
    "ru": ("Привет, мир! Как дела сегодня?",),
    "el": ("Καλημέρα κόσμε, τι κάνεις;",),
}


def every_word(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’.-]\w+)*", text)


def alike(one: Speech, other: Speech) -> bool:
    """Equal but for the 10 ms or so by which espeak-ng's own state lets two runs of a text differ."""
    pairs = list(zip(one.marks, other.marks, strict=True))
    return all(abs(a.until_sample - b.until_sample) <= 400 for a, b in pairs)


def pitch(speech: Speech) -> float:
    """Median of the frames' fundamental frequency in Hz: the lag at which 40 ms are most like themselves."""
    samples, found = floats(speech.pcm), []
    for start in range(0, len(samples) - 2000, 1000):
        frame = samples[start : start + 882]
        if np.abs(frame).max() > 0.1:
            likeness = [float(frame @ samples[start + lag : start + lag + 882]) for lag in range(55, 300)]
            found.append(speech.rate / (55 + int(np.argmax(likeness))))
    return float(np.median(found))


def assert_exact(text: str, speech: Speech) -> None:
    assert [text[m.start : m.end] for m in speech.marks] == every_word(text)
    ends = [0]
    for mark in speech.marks:
        assert 0 <= mark.first_sample < mark.until_sample
        assert mark.until_sample >= ends[-1]
        ends.append(mark.until_sample)
    assert ends[-1] <= samples_in(speech.pcm)


@pytest.mark.parametrize(("language", "text"), [(lang, text) for lang, texts in SENTENCES.items() for text in texts])
def test_every_word_is_marked_once_in_order_inside_the_samples(espeak: Engine, language: str, text: str) -> None:
    """Positions count characters, not bytes, in any script."""
    assert_exact(text, synthesise(espeak, text, Delivery(language)))


def test_a_character_beyond_the_first_plane_counts_as_one(espeak: Engine) -> None:
    """Words after it are marked where they are."""
    text = "𝐴 über 𝐵 word ends"
    speech = synthesise(espeak, text, Delivery("en"))
    assert [text[m.start : m.end] for m in speech.marks][-2:] == ["word", "ends"]


def test_words_end_with_their_last_audible_sample(espeak: Engine) -> None:
    """The pause after a sentence is no part of its last word, and what follows all words is silent."""
    speech = synthesise(espeak, "First sentence. Second one.", Delivery("en"))
    _, sentence, second, one = speech.marks
    pause = speech.pcm[sentence.until_sample * 2 : second.first_sample * 2]
    assert samples_in(pause) > speech.rate // 10
    assert level_dbfs(pause) < -60
    assert level_dbfs(speech.pcm[one.until_sample * 2 :]) < -60
    assert level_dbfs(speech.pcm[one.first_sample * 2 : one.until_sample * 2]) > -40


def test_a_word_is_marked_where_it_sounds(espeak: Engine) -> None:
    """A word alone sounds like the stretch that is marked as it in a sentence: the same length within a third."""
    alone = synthesise(espeak, "rhododendron", Delivery("en")).marks[0]
    inside = synthesise(espeak, "a big rhododendron grows here", Delivery("en")).marks[2]
    lengths = [m.until_sample - m.first_sample for m in (alone, inside)]
    assert max(lengths) / min(lengths) < 4 / 3


@given(st.text(max_size=40), st.sampled_from(["en", "de", "fr", "es", "it", "ru", "ar", "hi", "zh", "ja", "xx"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_can_be_spoken_and_every_span_gets_one_mark(espeak: Engine, text: str, language: str) -> None:
    """Any characters in any language: the marks are the spans, in order, inside the samples."""
    speech = synthesise(espeak, text, Delivery(language))
    spans = speakable(text, language).spans
    assert [(m.start, m.end) for m in speech.marks] == [(s.written_start, s.written_end) for s in spans]
    place = 0
    for mark in speech.marks:
        assert 0 <= mark.first_sample <= mark.until_sample
        assert place <= mark.until_sample <= samples_in(speech.pcm)
        place = mark.until_sample


@pytest.mark.parametrize("text", ["", " ", "...", "—", "\n\n"])
def test_nothing_to_say_makes_no_samples(espeak: Engine, text: str) -> None:
    """Not even the silence that espeak-ng would give."""
    speech = synthesise(espeak, text, Delivery("en"))
    assert (speech.pcm, speech.marks) == (b"", ())


def test_a_faster_delivery_is_shorter_and_a_quieter_one_is_quieter(espeak: Engine) -> None:
    """Rate and volume change what they say."""
    plain, fast, quiet = (
        synthesise(espeak, "It is half past nine.", delivery)
        for delivery in (Delivery("en"), Delivery("en", rate=1.5), Delivery("en", volume=0.5))
    )
    assert 1.3 < samples_in(plain.pcm) / samples_in(fast.pcm) < 1.7
    assert 4 < level_dbfs(plain.pcm) - level_dbfs(quiet.pcm) < 8


def test_a_language_has_a_voice_of_its_own(espeak: Engine) -> None:
    """German words sound different in German and in English; a region and an unknown language find a voice too."""
    text = "Guten Morgen, es ist sieben Uhr und draußen scheint die Sonne"
    german, english, unknown = (synthesise(espeak, text, Delivery(lang)) for lang in ("de", "en", "tlh"))
    assert not alike(german, english)
    assert alike(unknown, english)
    british, american = (
        synthesise(espeak, "I can't dance, hurry to the car park", Delivery(lang)) for lang in ("en-GB", "en")
    )
    assert not alike(british, american)


def test_voices_are_tried_from_the_named_to_english() -> None:
    """The order is the promise."""
    assert espeak_voices(Delivery("de_AT", voice="mb-de5")) == ("mb-de5", "de-at", "de", "en-us")
    assert espeak_voices(Delivery("en", voice="en-gb+f3"))[0] == "en+f3"
    assert espeak_voices(Delivery("en")) == ("en-us",)


def test_a_voice_of_another_language_lends_only_its_variant(espeak: Engine) -> None:
    """German is not spoken with an English mouth."""
    assert espeak_voices(Delivery("de", voice="en-gb+f3"))[0] == "de+f3"
    assert espeak_voices(Delivery("fr", voice="en-gb")) == ("fr", "en-us")
    text = "Guten Morgen, es ist sieben Uhr"
    plain, lent, woman = (synthesise(espeak, text, Delivery("de", voice=voice)) for voice in ("", "en-gb", "en-gb+f3"))
    assert pitch(woman) > 1.2 * pitch(plain)
    assert alike(plain, lent)


def test_a_voice_that_does_not_exist_is_named() -> None:
    """The library says which it lacks."""
    with pytest.raises(EspeakUnavailable, match="no voice 'nobody'"):
        espeak_library().speak("hello", ("nobody",), 1.0, 1.0, lambda *_: True)


class StoppingOut:
    """An `Out` that has enough after some writes."""

    def __init__(self, writes: int) -> None:
        self.writes = writes

    @property
    def stopped(self) -> bool:
        return self.writes <= 0

    def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        del pcm, words
        assert self.writes > 0, "written to after it was stopped"
        self.writes -= 1

    def when_stopped(self, callback: object) -> None:
        raise AssertionError("espeak-ng looks at every buffer instead")


def test_it_ends_at_the_buffer_after_being_stopped_and_speaks_the_next_text(espeak: Engine) -> None:
    """Not one buffer more, and the library is as good as new."""
    whole = synthesise(espeak, "A new text.", Delivery("en"))
    with pytest.raises(SpeechStopped):
        espeak.speak(
            "This is a very long sentence that nobody wants to hear to its end.", Delivery("en"), StoppingOut(3)
        )
    assert alike(synthesise(espeak, "A new text.", Delivery("en")), whole)


def test_what_an_out_raises_comes_out() -> None:
    """An error in the callback passes through C unharmed."""

    class Broken(StoppingOut):
        def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        EspeakEngine().speak("Hello there", Delivery("en"), Broken(1))


def test_threads_take_turns_at_the_one_library(espeak: Engine) -> None:
    """Four threads at once get what each would get alone."""
    texts = ("One thing.", "Zwei Dinge.", "Trois choses.", "Cuatro cosas.")
    languages = ("en", "de", "fr", "es")
    alone = [synthesise(espeak, t, Delivery(lang)) for t, lang in zip(texts, languages, strict=True)]
    start = threading.Barrier(4)

    def together(text: str, language: str) -> Speech:
        start.wait(timeout=10)
        return synthesise(EspeakEngine(), text, Delivery(language))

    with ThreadPoolExecutor(4) as pool:
        assert all(map(alike, pool.map(together, texts, languages), alone))


def test_samples_are_sound(espeak: Engine) -> None:
    """Speech at a speaking level, not clipped."""
    speech = synthesise(espeak, "The quick brown fox jumps over the lazy dog.", Delivery("en"))
    assert speech.rate == espeak.rate == 22050
    assert -35 < level_dbfs(speech.pcm) < -6
    assert 1.5 < samples_in(speech.pcm) / speech.rate < 4
    assert abs(floats(speech.pcm)).max() < 1
