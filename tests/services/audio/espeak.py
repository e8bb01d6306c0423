"""Speech for tests, synthesised by espeak-ng."""

from __future__ import annotations

import ctypes
import functools

import espeakng_loader
import numpy as np

from shared.pcm import CAPTURE_RATE, Floats, resample

__all__ = ["spoken"]

_SYNCHRONOUS, _UTF8 = 2, 1


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    return library, rate


@functools.cache
def spoken(text: str, voice: str = "en-us") -> Floats:
    """Return `text` spoken at 16 kHz, shape (samples,), with a peak of 0.5."""
    library, rate = _library()
    pieces: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def take(samples: ctypes.Array[ctypes.c_short], count: int, _: int) -> int:
        if count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(take)
    library.espeak_SetVoiceByName(voice.encode())
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = np.frombuffer(b"".join(pieces), "<i2").astype(np.float32)
    return resample(np.asarray(samples / np.abs(samples).max() / 2, dtype=np.float32), rate, CAPTURE_RATE)
