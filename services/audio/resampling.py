"""A stream resampler that keeps time: output sample k is input time k / rate, without an added delay."""

from __future__ import annotations

import numpy as np

from shared.pcm import Floats

__all__ = ["Resampler"]


class Resampler:
    """Mono float32 at one rate to another, band-limited (libsoxr, high quality); equal rates pass through.

    The filter looks ahead, so what comes out lags what went in by up to 50 ms until `last` flushes it.
    """

    def __init__(self, rate: int, to_rate: int) -> None:
        self._stream = None
        if rate != to_rate:
            import soxr

            self._stream = soxr.ResampleStream(rate, to_rate, 1, dtype="float32", quality="HQ")

    def __call__(self, samples: Floats, *, last: bool = False) -> Floats:
        """Return what can be given out by now, shape (samples,)."""
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), dtype=np.float32)
