"""The network of a Piper voice: phonemes in, samples and where each phoneme ends out.

Follows piper.PiperVoice (piper-tts 1.8), which can neither be stopped while it runs nor say where a voice's unknown
phonemes were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from services.tts.engines.piper_files import VoiceFiles, native_errors
from services.tts.engines.piper_words import plain_sound
from services.tts.port import TtsError
from shared.pcm import Floats

if TYPE_CHECKING:
    from onnxruntime.capi.onnxruntime_pybind11_state import RunOptions

__all__ = ["Network", "Phonemes", "VoiceFailed"]

_QUIET: Final = 1e-8

Phonemes = tuple[str, ...]
"""What the network speaks in one go, all known to it."""

_Counts = npt.NDArray[np.int64]


class VoiceFailed(TtsError):
    """The voice's network broke while speaking."""


class Network:
    """See the module. Not for several threads at once."""

    def __init__(self, files: VoiceFiles, speaker: int | None = None) -> None:
        from piper import PiperVoice

        self._config = files.config
        self._session = files.session
        self._voice = PiperVoice(files.session, files.config)
        speaker = files.config.default_speaker_id if speaker is None else speaker
        self._speaker = max(0, min(speaker, files.config.num_speakers - 1))
        self._errors = native_errors()

    def try_out(self) -> None:
        """Speak a sound to nobody: a voice whose files are complete but wrong fails here. Raises VoiceFailed."""
        from onnxruntime.capi.onnxruntime_pybind11_state import RunOptions

        self.plain("a")
        known = [p for p in self._config.phoneme_id_map if p not in "^_$"][:1]
        self.run(tuple(known), 1.0, RunOptions())

    def phonemes(self, text: str) -> tuple[Phonemes, ...]:
        """Return the sentences of `text` as the voice's phonemes, without those it has no number for."""
        known = self._config.phoneme_id_map
        sentences = (tuple(p for p in phonemes if p in known) for phonemes in self._phonemize(text))
        return tuple(s for s in sentences if s)

    def plain(self, word: str) -> str:
        """Return the phonemes of a word spoken alone, as `plain_sound` does."""
        return plain_sound(p for s in self._phonemize(word) for p in s)

    def _phonemize(self, text: str) -> list[list[str]]:
        try:
            return self._voice.phonemize(text)
        except RuntimeError as error:
            message = f"The voice's language {self._config.espeak_voice!r} has no phonemes: {error}."
            raise VoiceFailed(message, remedy="Choose another voice: `sotto models list`.") from error

    def run(self, sentence: Phonemes, rate: float, options: RunOptions) -> tuple[Floats, Sequence[int]]:
        """Return samples of shape (samples,), scaled to full range as Piper does, and where phonemes begin.

        The i-th offset is the start of the i-th phoneme; the last one is the end of the last phoneme.
        Raises VoiceFailed, also when `options.terminate` was set meanwhile.
        """
        ids, sizes = self._ids(sentence)
        try:
            outputs = self._session.run(None, self._inputs(ids, rate), options)
        except self._errors as error:
            raise VoiceFailed(f"The voice failed: {error}", remedy="`sotto models verify` checks its files.") from error
        samples = np.asarray(outputs[0], dtype=np.float32).reshape(-1)
        loudest = float(np.max(np.abs(samples), initial=0.0))
        samples = samples / loudest if loudest > _QUIET else np.zeros_like(samples)
        return samples, _offsets(sizes, self._lengths(outputs, ids, len(samples)), len(samples))

    def _ids(self, sentence: Phonemes) -> tuple[list[int], list[int]]:
        """Numbers of the phonemes, each followed by padding, and how many numbers each phoneme takes."""
        from piper.const import BOS, EOS, PAD

        table = self._config.phoneme_id_map
        parts = [[*table[p], *table[PAD]] for p in (BOS, *sentence)] + [list(table[EOS])]
        return [i for part in parts for i in part], [len(part) for part in parts]

    def _inputs(self, ids: list[int], rate: float) -> dict[str, npt.NDArray[np.int64 | np.float32]]:
        config = self._config
        scales = (config.noise_scale, config.length_scale / rate, config.noise_w_scale)
        inputs: dict[str, npt.NDArray[np.int64 | np.float32]] = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array(scales, dtype=np.float32),
        }
        if config.num_speakers > 1:
            inputs["sid"] = np.array([self._speaker], dtype=np.int64)
        return inputs

    def _lengths(self, outputs: Sequence[object], ids: list[int], samples: int) -> _Counts:
        """Samples of each number: as the network says, else in equal parts."""
        if len(outputs) > 1:
            frames = np.asarray(outputs[1], dtype=np.float64).reshape(-1)
            if len(frames) == len(ids) and bool(np.all(np.isfinite(frames))):
                return (frames * self._config.hop_length).astype(np.int64)
        ends = np.linspace(0, samples, len(ids) + 1).astype(np.int64)
        return ends[1:] - ends[:-1]


def _offsets(sizes: Sequence[int], lengths: _Counts, samples: int) -> Sequence[int]:
    """Where the phonemes after the beginning-of-sentence begin, and where the last one ends."""
    ends = np.minimum(np.cumsum(lengths), samples)
    return [int(ends[i - 1]) for i in np.cumsum(sizes)[:-1]]
