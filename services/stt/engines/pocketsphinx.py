"""The built-in recogniser: pocketsphinx with its English model, a grammar of what skills know first, dictation second.

The grammar hears only whole sentences that it knows; `GrammarDecoder` says how sure it is, against everything else
that the same sound could be. What is no such sentence goes to the dictation model, whose text is rarely right and
never trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from services.stt.engines.sphinx_dictation import DictationDecoder
from services.stt.engines.sphinx_evidence import Found
from services.stt.engines.sphinx_grammar import Follower, GrammarDecoder, prepare
from services.stt.grammar import Grammar, GrammarShelf, GrammarTooLarge, SentencesMalformed, compile_sentences
from services.stt.ports import EngineUnusable, Sentences, always
from services.stt.settings import SttSettings
from services.stt.transcript import Guess, Mode, Spoken, Transcript
from shared.errors import SottoError
from shared.installed import InstalledModel
from shared.logs import get_logger
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["PocketSphinx", "RecognitionFailed", "make_pocketsphinx"]

_log = get_logger("stt")

_LANGUAGE = "en"
_MODEL = "pocketsphinx-en-us"
_LONGEST_COMMAND = 15 * CAPTURE_RATE
"""Samples; what is longer is no command, and the grammar stops listening."""


class RecognitionFailed(SottoError):
    """The engine broke while it decoded."""

    engine = "pocketsphinx"


def make_pocketsphinx(settings: SttSettings, model: InstalledModel | None) -> PocketSphinx:
    """Make the built-in engine; raises EngineUnusable."""
    return PocketSphinx(settings)


class PocketSphinx:
    """English only; everything in its wheel. The dictation model takes longest, and comes when `warm` is called."""

    name = "pocketsphinx"
    model = _MODEL
    languages = (_LANGUAGE,)

    def __init__(self, settings: SttSettings) -> None:
        self.settings = settings
        self.mean = ""
        """Mean spectrum of the last command; empty before the first."""
        self._kept = GrammarShelf(settings.grammar_folder or _cache_folder())
        try:
            self.dictation = DictationDecoder()
            self.grammar = GrammarDecoder()
            self.follower = Follower()
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineUnusable(
                f"pocketsphinx cannot be used: {error}",
                remedy="Install it again: pip install --force-reinstall pocketsphinx.",
            ) from error

    def learn(self, sentences: Sentences, wanted: Callable[[], bool] = always) -> None:
        for _ in self._learning(sentences):
            if not wanted():
                return

    def _learning(self, sentences: Sentences) -> Iterator[None]:
        """Each step holds the interpreter's lock for some of its time, when nobody else goes on."""
        document = sentences.get(_LANGUAGE)
        self.grammar.forget()
        self.follower.forget()
        if document is None:
            return
        try:
            grammar = self._kept.find(document, _LANGUAGE) or self._compile(document)
        except (GrammarTooLarge, SentencesMalformed) as error:
            _log.warning("recognition has no grammar", reason=str(error))
            return
        yield
        self.grammar.learn(grammar)
        yield
        self.follower.learn(grammar)

    def warm(self) -> None:
        self.dictation.load()

    def listen(self, language: str) -> _Listener:
        return _Listener(self)

    def _compile(self, document: Mapping[str, JsonValue]) -> Grammar:
        grammar = prepare(compile_sentences(document, _LANGUAGE), self.dictation.lookup)
        self._kept.keep(document, _LANGUAGE, grammar)
        return grammar


class _Listener:
    def __init__(self, engine: PocketSphinx) -> None:
        self._engine = engine
        self._sound: list[Floats] = []
        self._undictated: list[Floats] = []
        self._heard = 0
        self._dictation, self._follower = engine.dictation, engine.follower
        self._dictation.begin()
        self._follower.begin(engine.mean)
        self._is_first = not engine.mean

    def hear(self, samples: Floats) -> None:
        if not len(samples):  # pocketsphinx refuses an empty buffer
            return
        self._heard += len(samples)
        if self._heard <= _LONGEST_COMMAND:
            self._sound.append(samples)
            self._follower.hear(samples)
        else:
            self._sound.clear()
        self._undictated.append(samples)
        if not self._may_be_command():
            self._dictate()

    def guess(self) -> Guess:
        found = self._follower.found() if self._may_be_command() else None
        if self._is_trusted(found):
            assert found is not None
            return Guess(found.text, "", _LANGUAGE, found.confidence)
        self._dictate()
        committed, text = self._dictation.text()
        return Guess(text, committed if self._heard > _LONGEST_COMMAND else "", _LANGUAGE, 0.0)

    def settle(self) -> Transcript:
        found = self._command()
        if self._is_trusted(found):
            assert found is not None
            return self._transcript(found.words, found.confidence, "grammar", found.others)
        self._dictate()
        self._dictation.commit()
        words = self._dictation.words
        return self._transcript(words, _mean(words), "dictation")

    def _dictate(self) -> None:
        """Take down what was heard: only where no command is, since it costs more than all that finds one."""
        for samples in self._undictated:
            self._dictation.hear(samples)
        self._undictated.clear()

    def _may_be_command(self) -> bool:
        return 0 < self._heard <= _LONGEST_COMMAND

    def _command(self) -> Found | None:
        if not self._may_be_command():
            return None
        sound = np.concatenate(self._sound)
        try:
            if self._is_first:
                self._follow_again(sound)
            found = self._engine.grammar.find(sound, self._follower.words())
            if found is None or not self._is_trusted(found):
                return found
            self._engine.mean = self._engine.grammar.mean(sound)
            return self._engine.grammar.told_apart(sound, found)
        except RuntimeError as error:
            raise RecognitionFailed(f"pocketsphinx broke: {error}") from error

    def _follow_again(self, sound: Floats) -> None:
        """The first utterance was followed without knowing how the microphone sounds."""
        self._follower.begin(self._engine.grammar.mean(sound))
        self._follower.hear(sound)

    def _is_trusted(self, found: Found | None) -> bool:
        return found is not None and found.confidence >= self._engine.settings.grammar_confidence

    def _transcript(
        self, words: Sequence[Spoken], confidence: float, mode: Mode, others: tuple[str, ...] = ()
    ) -> Transcript:
        return Transcript(
            " ".join(word.text for word in words),
            tuple(words),
            _LANGUAGE,
            confidence / (1 + len(others)),
            PocketSphinx.name,
            self._heard / CAPTURE_RATE,
            trusted=mode == "grammar" and not others,
            mode=mode,
            others=others,
        )


def _mean(words: Sequence[Spoken]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 0.0


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("sotto") / "grammars"
