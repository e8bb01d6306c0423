"""Sound that clients send: a WAV file becomes samples as everything is heard inside Sotto."""

from __future__ import annotations

import io
import wave

import numpy as np

from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, pcm16, resample

__all__ = ["NotSound", "samples"]

_FULL_SCALE = 32_768.0
_RATES = range(8_000, 192_001)


class NotSound(SottoError):
    """What was sent is no WAV file that can be used."""


def samples(wav: bytes) -> bytes:
    """Return the samples of a WAV file (16 bits; channels are mixed) as mono s16le at 16 kHz. Raises NotSound."""
    try:
        with wave.open(io.BytesIO(wav)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OverflowError) as error:
        raise _not_sound(f"it is no WAV file ({str(error) or 'it breaks off'})") from error
    if width != 2 or rate not in _RATES or not channels:
        raise _not_sound(f"{8 * width} bits, {channels} channels at {rate} Hz are not understood")
    whole = len(frames) // (2 * channels) * channels
    if not whole:
        raise _not_sound("it holds no sample")
    mixed = np.frombuffer(frames, "<i2", whole).reshape(-1, channels).mean(axis=1, dtype=np.float32) / _FULL_SCALE
    return pcm16(resample(mixed, rate, CAPTURE_RATE))


def _not_sound(why: str) -> NotSound:
    return NotSound(
        f"This cannot be heard: {why}.", remedy="Send a WAV file of 16 bits, `scripts/inject.py --audio` does."
    )
