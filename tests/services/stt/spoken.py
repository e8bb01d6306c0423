"""Speech for tests: espeak-ng says a text in a voice, as float samples at 16 kHz.

Not to the sample the same in every process: its voices flutter, and the flutter goes on from what was said before.
"""

from __future__ import annotations

import ctypes
import functools

import espeakng_loader
import numpy as np

from shared.pcm import CAPTURE_RATE, Floats, resample

VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m7")

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_SYNCHRONOUS = 2
_UTF8 = 1


class _Espeak:
    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, str(espeakng_loader.get_data_path()).encode(), 0x8000
        )
        self._pieces: list[bytes] = []
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: object, count: int, _: object) -> int:
        if samples and count:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    def __call__(self, text: str, voice: str, speed: int) -> Floats:
        self._pieces.clear()
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetParameter(1, speed, 0)
        said = text.encode()
        self._library.espeak_Synth(said, len(said) + 1, 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        signal = np.frombuffer(b"".join(self._pieces), "<i2").astype(np.float32) / 32768
        return resample(signal, self._rate, CAPTURE_RATE)


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()


@functools.lru_cache(maxsize=256)
def speak(text: str, voice: str = "en-us", speed: int = 160) -> Floats:
    """Return `text` as spoken, shape (samples,) at 16 kHz, loudest sample near 0.5."""
    signal = _espeak()(text, voice, speed)
    signal = signal * np.float32(0.5 / max(float(np.max(np.abs(signal))), 1e-6))
    signal.setflags(write=False)
    return signal


def silence(seconds: float) -> Floats:
    """A room with nobody speaking: noise at -70 dBFS, the same every time."""
    noise = np.random.default_rng(7).standard_normal(int(seconds * CAPTURE_RATE))
    return (noise * 10 ** (-70 / 20)).astype(np.float32)
