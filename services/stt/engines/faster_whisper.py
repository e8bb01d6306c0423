"""Whisper through faster-whisper (CTranslate2): any converted model, decoded again and again while a person speaks.

Whisper encodes 30 s at a time, so a guess costs the same whether one word is new or twenty; the service waits between
guesses accordingly. What two guesses in a row agree on is stable (`Agreement`), and the sound of stable words is let
go once much has piled up, so that an utterance may last as long as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.stt.agreement import Agreement
from services.stt.ports import EngineUnusable, Sentences, always
from services.stt.settings import SttSettings
from services.stt.transcript import Guess, Spoken, Transcript
from shared.cores import cores
from shared.errors import SottoError
from shared.installed import InstalledModel
from shared.logs import get_logger
from shared.pcm import CAPTURE_RATE, Floats

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

__all__ = ["FasterWhisper", "RecognitionFailed", "make_faster_whisper"]

_log = get_logger("stt")

_FILES = ("model.bin", "tokenizer.json", "config.json")
_TRIM_FROM = 15 * CAPTURE_RATE
"""Samples of sound from which stable words are let go (whisper_streaming's default)."""
_LONGEST = 28 * CAPTURE_RATE
"""Samples that are decoded at once at most: Whisper sees 30 s."""
_SHORTEST = CAPTURE_RATE // 5
"""Samples below which nothing was said."""
_QUIET = 10 ** (-60 / 20)
"""Peak level of sound that holds nothing to recognise."""
_NO_SPEECH = 0.6
_LOW_LOGPROB = -1.0
_REPETITIVE = 2.4
"""Thresholds of openai/whisper (transcribe.py): silence, unlikely text, text that compresses too well."""


class RecognitionFailed(SottoError):
    """The engine broke while it decoded."""

    engine = "faster-whisper"


def make_faster_whisper(settings: SttSettings, model: InstalledModel | None) -> FasterWhisper:
    """Make the engine of a model on disk; raises EngineUnusable naming the file that is at fault."""
    if model is None:
        raise EngineUnusable(
            "faster-whisper needs a model, and none is installed.", remedy="Pull one with `sotto models pull`."
        )
    return FasterWhisper(settings, model)


class FasterWhisper:
    """One loaded model."""

    name = "faster-whisper"

    def __init__(self, settings: SttSettings, model: InstalledModel) -> None:
        self.settings = settings
        self.model = model.name
        self._whisper = _load(settings, model)
        multilingual = self._whisper.model.is_multilingual
        self.languages = model.languages if multilingual else ("en",)

    def learn(self, sentences: Sentences, wanted: Callable[[], bool] = always) -> None:
        """Whisper needs no grammar."""

    def warm(self) -> None:
        """All of it is loaded."""

    def listen(self, language: str) -> _Listener:
        return _Listener(self, language)

    def decode(self, sound: Floats, language: str, beam_size: int, prompt: str) -> _Decoded:
        """Return the words in at most 30 s of sound, those that silence or noise makes Whisper invent left out."""
        if len(sound) < _SHORTEST or float(np.max(np.abs(sound))) < _QUIET:
            return _Decoded([], language, 1.0 if language else 0.0)
        try:
            segments, info = self._whisper.transcribe(
                sound,
                language=language or None,
                beam_size=beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                initial_prompt=prompt or None,
                word_timestamps=True,
                no_speech_threshold=_NO_SPEECH,
                log_prob_threshold=_LOW_LOGPROB,
                hallucination_silence_threshold=2.0,
            )
            words = [word for segment in segments if _is_meant(segment) for word in _words(segment)]
        except (RuntimeError, ValueError) as error:
            raise RecognitionFailed(f"faster-whisper broke while it decoded: {error}") from error
        return _Decoded(words, info.language, float(info.language_probability))


@dataclass(frozen=True, slots=True)
class _Decoded:
    words: list[Spoken]
    language: str
    language_probability: float


class _Decodes(Protocol):
    """What a listener needs of the engine; tests script it."""

    name: str
    settings: SttSettings

    def decode(self, sound: Floats, language: str, beam_size: int, prompt: str) -> _Decoded: ...


class _Listener:
    """Sound since the last trim, the words before it, and the agreement on the words in it."""

    def __init__(self, engine: _Decodes, language: str) -> None:
        self._engine = engine
        self._language = language
        self._sound = np.zeros(0, np.float32)
        self._first = 0
        self._heard = 0
        self._kept: list[Spoken] = []
        self._stable: list[Spoken] = []
        self._agreement = Agreement()

    def hear(self, samples: Floats) -> None:
        self._heard += len(samples)
        self._sound = np.concatenate([self._sound, samples])
        while len(self._sound) > _LONGEST:
            self._keep_all(_quietest(self._sound[:_LONGEST]))

    def guess(self) -> Guess:
        words, language = self._decode(self._sound, beam_size=1)
        said = self._agreement.take([word.text for word in words])
        texts = self._agreement.stable
        new = zip(texts[len(self._stable) :], words[len(self._stable) :], strict=False)
        self._stable += [Spoken(text, word.start, word.until, word.confidence) for text, word in new]
        kept = [word.text for word in self._kept]
        guess = Guess(" ".join([*kept, *said]), " ".join([*kept, *texts]), language, _mean(words))
        if len(self._sound) > _TRIM_FROM and self._stable:
            cut = max(self._stable[-1].until - self._first, 1)
            self._kept += self._stable
            self._cut(cut)
        return guess

    def settle(self) -> Transcript:
        words, language = self._decode(self._sound, self._engine.settings.beam_size)
        # What was said to be stable stays, even where the wider beam now reads it otherwise.
        all_words = [*self._kept, *self._stable, *words[len(self._stable) :]]
        confidence = _mean(all_words)
        return Transcript(
            " ".join(word.text for word in all_words),
            tuple(all_words),
            language,
            confidence,
            self._engine.name,
            self._heard / CAPTURE_RATE,
            trusted=bool(all_words) and confidence >= self._engine.settings.dictation_confidence,
        )

    def _decode(self, sound: Floats, beam_size: int) -> tuple[list[Spoken], str]:
        prompt = " ".join(word.text for word in self._kept[-40:])
        decoded = self._engine.decode(sound, self._language, beam_size, prompt)
        if not self._language and decoded.language_probability > 0.5 and len(sound) > 2 * CAPTURE_RATE:
            self._language = decoded.language  # detecting it again would double each guess
        words = [
            Spoken(word.text, self._first + word.start, self._first + word.until, word.confidence)
            for word in decoded.words
        ]
        return self._without_echo(words), decoded.language

    def _without_echo(self, words: list[Spoken]) -> list[Spoken]:
        """Drop words at the cut that are kept already (whisper_streaming: up to five, within a second of it)."""
        for length in range(min(5, len(words), len(self._kept)), 0, -1):
            head, tail = words[:length], self._kept[-length:]
            near = head[0].start < self._first + CAPTURE_RATE
            if near and [w.text.casefold() for w in head] == [w.text.casefold() for w in tail]:
                return words[length:]
        return words

    def _keep_all(self, length: int) -> None:
        """Let the first `length` samples go with whatever is understood of them now."""
        words, _ = self._decode(self._sound[:length], beam_size=1)
        self._kept += [*self._stable, *words[len(self._stable) :]]
        self._cut(length)

    def _cut(self, length: int) -> None:
        length = min(length, len(self._sound))
        self._sound = self._sound[length:].copy()
        self._first += length
        self._agreement = Agreement()
        self._stable = []


def _load(settings: SttSettings, model: InstalledModel) -> WhisperModel:
    for name in _FILES:
        if not (model.path / name).is_file() or (model.path / name).stat().st_size == 0:
            raise _unusable(model, f"its file {name} is missing or empty")
    try:
        from faster_whisper import WhisperModel
    except (ImportError, OSError) as error:
        raise EngineUnusable(
            f"faster-whisper cannot be used: {error}", remedy="Install the voice part: pip install 'sotto[voice]'."
        ) from error
    problem: Exception | None = None
    for device in _devices(settings.device):
        try:
            whisper = WhisperModel(
                str(model.path),
                device=device,
                compute_type=settings.compute_type,
                cpu_threads=settings.cpu_threads or max(1, cores() - 1),
                local_files_only=True,
            )
            # A model of the wrong shape, or a GPU without its libraries, shows only once something is encoded.
            whisper.encode(np.zeros((whisper.feature_extractor.mel_filters.shape[0], 3000), np.float32))
            return whisper
        except Exception as error:  # noqa: BLE001 (the tokenizers library raises bare Exception for a damaged file)
            _log.warning("a speech model cannot be used", model=model.name, device=device, error=str(error))
            problem = error
    raise _unusable(model, str(problem)) from problem


def _unusable(model: InstalledModel, reason: str) -> EngineUnusable:
    return EngineUnusable(
        f"The speech model {model.name} cannot be used: {reason.rstrip('.')}.",
        remedy=f"Run `sotto models verify {model.name}`, or pull it again with `sotto models pull {model.name}`.",
    )


def _devices(wanted: str) -> Sequence[str]:
    if wanted != "auto":
        return (wanted,)
    # The package re-exports its native names without saying so to the type checker.
    from ctranslate2 import get_cuda_device_count  # type: ignore[attr-defined]

    return ("cuda", "cpu") if get_cuda_device_count() else ("cpu",)


def _is_meant(segment: Segment) -> bool:
    """False for what Whisper says to silence and noise."""
    if segment.compression_ratio > _REPETITIVE or segment.avg_logprob < _LOW_LOGPROB:
        return False
    return not (segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _LOW_LOGPROB / 2)


def _words(segment: Segment) -> Iterable[Spoken]:
    for word in segment.words or ():
        if text := word.word.strip():
            yield Spoken(
                text, round(word.start * CAPTURE_RATE), round(word.end * CAPTURE_RATE), float(word.probability)
            )


def _mean(words: Sequence[Spoken]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 0.0


def _quietest(sound: Floats) -> int:
    """Return where to cut: the middle of the quietest tenth of a second in the last eight seconds."""
    tail, step = sound[-8 * CAPTURE_RATE :], CAPTURE_RATE // 10
    pieces = tail[: len(tail) // step * step].reshape(-1, step)
    return len(sound) - len(tail) + int(np.argmin(np.square(pieces).sum(axis=1))) * step + step // 2
