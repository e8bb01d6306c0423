"""Speech for tests: espeak-ng says a text in a voice, as float samples at 16 kHz, the same in every process.

Its voices flutter, and the flutter goes on from what was said before: each text is said by a library freshly loaded.
Some of its variants (f2, f3, f5, whisper) read memory that nobody has set, and sound otherwise each time: not these.
"""

from __future__ import annotations

import _ctypes
import contextlib
import ctypes
import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import espeakng_loader
import numpy as np

from shared.pcm import CAPTURE_RATE, Floats, resample

VOICES = ("en-us", "en", "en-us+f4", "en+m7")
"""American and British; the second two are variants with other formants, a woman's and a man's."""

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE = 1
_UTF8 = 1
_OK = 0


@contextlib.contextmanager
def _fresh() -> Iterator[ctypes.CDLL]:
    """The library with all its variables as they were built; a copy, since Sotto has the other one open."""
    with tempfile.TemporaryDirectory() as folder:
        library = ctypes.CDLL(shutil.copy(espeakng_loader.get_library_path(), Path(folder) / "espeak-ng.so"))
    try:
        yield library
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)


def _say(text: str, voice: str, speed: int) -> Floats:
    pieces: list[bytes] = []

    def take(samples: object, count: int, _: object) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = _CALLBACK(take)
    said = text.encode()
    with _fresh() as library:
        data = str(espeakng_loader.get_data_path()).encode()
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        library.espeak_SetSynthCallback(callback)
        assert library.espeak_SetVoiceByName(voice.encode()) == _OK, f"espeak-ng has no voice {voice}"
        library.espeak_SetParameter(_RATE, speed, 0)
        library.espeak_Synth(said, len(said) + 1, 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    signal = np.frombuffer(b"".join(pieces), "<i2").astype(np.float32) / 32768
    return resample(signal, rate, CAPTURE_RATE)


@functools.lru_cache(maxsize=256)
def speak(text: str, voice: str = "en-us", speed: int = 160) -> Floats:
    """Return `text` as spoken, shape (samples,) at 16 kHz, loudest sample near 0.5; a voice there must be."""
    signal = _say(text, voice, speed)
    signal = signal * np.float32(0.5 / max(float(np.max(np.abs(signal))), 1e-6))
    signal.setflags(write=False)
    return signal


def silence(seconds: float) -> Floats:
    """A room with nobody speaking: noise at -70 dBFS, the same every time."""
    noise = np.random.default_rng(7).standard_normal(int(seconds * CAPTURE_RATE))
    return (noise * 10 ** (-70 / 20)).astype(np.float32)
