"""Wake words with pymicro-wakeword: the Apache-2.0 models in its wheel, all on one front end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.listening.ports import Heard
from shared.errors import SottoError

__all__ = ["MicroWakeWords", "WakeWordsUnavailable"]

_STEP = 160
"""Samples between two feature vectors (10 ms)."""


class WakeWordsUnavailable(SottoError):
    """The wake-word library cannot run here."""


class MicroWakeWords:
    """Spots `names` at once; each keeps its model's own cutoff and sliding mean.

    Four models cost about 0.15 ms per 20 ms frame (docs/adr/0015), so it may run on the event loop. After a word none
    is reported for `refractory` samples. Raises WakeWordsUnavailable.
    """

    def __init__(self, names: Sequence[str], refractory: int) -> None:
        try:
            from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
        except (ImportError, OSError) as error:
            raise WakeWordsUnavailable(
                f"Wake words do not work here: {error}", remedy="Speak without one, or install pymicro-wakeword."
            ) from error
        try:
            self._models = [MicroWakeWord.from_builtin(Model(name)) for name in names]
            self._features = MicroWakeWordFeatures()
        except (OSError, ValueError) as error:
            raise WakeWordsUnavailable(
                f"Wake words do not work here: {error}", remedy="Speak without one (`wake = []`)."
            ) from error
        self.name = "+".join(names)
        self._refractory = refractory
        self._quiet_until = 0

    def hear(self, pcm: bytes, first_sample: int) -> Sequence[Heard]:
        until = first_sample + len(pcm) // 2
        vectors = list(self._features.process_streaming(pcm))
        heard: list[Heard] = []
        for index, vector in enumerate(vectors):
            sample = until - (len(vectors) - 1 - index) * _STEP
            heard += self._spot(vector, sample)
        return heard

    def reset(self) -> None:
        self._quiet_until = 0
        self._features.reset()
        for model in self._models:
            model.reset()

    def _spot(self, vector: npt.NDArray[np.generic], sample: int) -> list[Heard]:
        scores = [(model.process_streaming_prob(vector) or 0.0, model) for model in self._models]
        over = [(score, model) for score, model in scores if score > model.probability_cutoff]
        if not over or sample < self._quiet_until:
            return []
        score, model = max(over, key=lambda entry: entry[0])
        self._quiet_until = sample + self._refractory
        return [Heard(model.id, sample, min(float(score), 1.0))]
