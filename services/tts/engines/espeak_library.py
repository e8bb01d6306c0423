"""The native espeak-ng library, as far as Sotto uses it: speak_lib.h of espeak-ng 1.52 through ctypes.

It keeps its state in globals, so a process has one, guarded by one lock, whoever uses it.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from services.tts.port import TtsError

__all__ = ["EspeakEvent", "EspeakLibrary", "EspeakUnavailable", "espeak_library"]

BUFFER_MS: Final = 40
"""Length of the buffers that the callback is given: the first sound of a clause waits for one."""

WORD: Final = 1
_TERMINATED: Final = 0

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARACTERS = 1
_UTF8 = 1
_OK = 0
_RATE, _VOLUME = 1, 2
_WORDS_PER_MINUTE = 175
_FULL_VOLUME = 100


class EspeakUnavailable(TtsError):
    """The espeak-ng library or its data cannot be loaded."""


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class EspeakEvent:
    """A word begins."""

    position: int
    """Offset in the text, in characters (code points), from 0."""
    sample: int
    """Its first sample, from the start of the text."""


Heard = Callable[[bytes, tuple[EspeakEvent, ...]], bool]
"""Given the next samples (s16le) and the words that begin in them; returns whether to go on."""


@dataclass(slots=True)
class EspeakLibrary:
    """The library, initialised. Its methods may be called from any thread; they wait for each other."""

    native: ctypes.CDLL
    rate: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def speak(self, text: str, voices: tuple[str, ...], rate: float, volume: float, heard: Heard) -> None:
        """Synthesise `text` with the first of `voices` that exists, giving each buffer to `heard` at once.

        `text` may hold any character but NUL and surrogates. Ends early when `heard` returns False; what it raises is
        raised here. Raises EspeakUnavailable when no voice exists or the library refuses.
        """
        call = _Call(heard)
        callback = _CALLBACK(call)
        encoded = text.encode("utf-8")
        with self.lock:
            self._choose(voices)
            self.native.espeak_SetParameter(_RATE, round(_WORDS_PER_MINUTE * rate), 0)
            self.native.espeak_SetParameter(_VOLUME, round(_FULL_VOLUME * volume), 0)
            self.native.espeak_SetSynthCallback(callback)
            status = self.native.espeak_Synth(encoded, len(encoded) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
            self.native.espeak_Synchronize()
        if call.error is not None:
            raise call.error
        if status != _OK:
            raise EspeakUnavailable(f"espeak-ng refused a text of {len(text)} characters (status {status}).")

    def _choose(self, voices: tuple[str, ...]) -> None:
        if not any(self.native.espeak_SetVoiceByName(voice.encode()) == _OK for voice in voices):
            raise EspeakUnavailable(
                f"espeak-ng has no voice {voices[0]!r}.", remedy="Set tts.voice or tts.language to one that it has."
            )


class _Call:
    """The callback of one text: nothing may be raised through C, so an error is kept and ends the text."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self.error: BaseException | None = None

    def __call__(self, address: int | None, samples: int, events: ctypes._Pointer[_Event]) -> int:
        if address is None:
            return 0
        try:
            return 0 if self._heard(ctypes.string_at(address, samples * 2), tuple(_words(events))) else 1
        except BaseException as error:  # noqa: BLE001 (raised again by EspeakLibrary.speak)
            self.error = error
            return 1


def _words(events: ctypes._Pointer[_Event]) -> Iterator[EspeakEvent]:
    index = 0
    while events[index].type != _TERMINATED:
        if events[index].type == WORD:
            yield EspeakEvent(events[index].text_position - 1, events[index].sample)
        index += 1


@functools.cache
def espeak_library() -> EspeakLibrary:
    """The process's one library; the first call loads it (about 3 ms). Raises EspeakUnavailable."""
    import espeakng_loader

    try:
        native = ctypes.CDLL(espeakng_loader.get_library_path())  # type: ignore[no-untyped-call]  # it has no types
        data: str = espeakng_loader.get_data_path()  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, RuntimeError) as error:
        raise EspeakUnavailable(f"espeak-ng cannot be loaded: {error}.", remedy="Run scripts/setup again.") from error
    native.espeak_Synth.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.POINTER(ctypes.c_uint),
        ctypes.c_void_p,
    )
    native.espeak_SetSynthCallback.argtypes = (_CALLBACK,)
    native.espeak_SetSynthCallback.restype = None
    rate = native.espeak_Initialize(_SYNCHRONOUS, BUFFER_MS, data.encode(), _DONT_EXIT)
    if rate <= 0:
        raise EspeakUnavailable(f"espeak-ng cannot read its data in {data}.", remedy="Run scripts/setup again.")
    return EspeakLibrary(native, rate)
