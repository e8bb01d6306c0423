"""PCM audio as every service exchanges it: mono, 16-bit signed little-endian bytes, with plain conversions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["CAPTURE_RATE", "Floats", "floats", "level_dbfs", "pcm16", "resample", "samples_in"]

CAPTURE_RATE = 16_000
"""Samples per second of everything that is heard, inside Sotto."""

Floats = npt.NDArray[np.float32]

_SAMPLE_BYTES = 2
_STEP = np.float32(1 / 32768)
_LOWEST, _HIGHEST = np.float32(-1), np.float32(32767 / 32768)


def samples_in(pcm: bytes) -> int:
    """Number of samples in mono s16le bytes."""
    return len(pcm) // _SAMPLE_BYTES


def floats(pcm: bytes) -> Floats:
    """Mono s16le bytes to float32 in [-1, 1), shape (samples,)."""
    return np.frombuffer(pcm, dtype="<i2") * _STEP


def pcm16(samples: npt.ArrayLike) -> bytes:
    """Float samples in [-1, 1], shape (samples,), to s16le bytes: rounded, clipped, NaN and infinity as silence."""
    whole = np.asarray(samples, dtype=np.float32)
    if not np.isfinite(whole).all():
        whole = np.nan_to_num(whole, nan=0.0, posinf=0.0, neginf=0.0)
    clipped = np.minimum(np.maximum(whole, _LOWEST), _HIGHEST)
    return np.rint(clipped / _STEP).astype("<i2").tobytes()


def level_dbfs(pcm: bytes) -> float:
    """Root-mean-square level in dB relative to full scale; -inf for silence or no samples."""
    if not pcm:
        return -math.inf
    rms = float(np.sqrt(np.mean(np.square(floats(pcm)))))
    return 20.0 * math.log10(rms) if rms > 0 else -math.inf


def resample(samples: Floats, rate: int, to_rate: int) -> Floats:
    """Whole signal of shape (samples,) at `rate` Hz to `to_rate` Hz, band-limited (libsoxr, high quality)."""
    if rate == to_rate:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, to_rate), dtype=np.float32)
