"""Echo cancellation, noise suppression and gain through WebRTC's audio processing module, by way of livekit.

The module takes frames of 10 ms; the blocks that were played are its reference, at 16 kHz like the microphone. Where
there is no echo (headphones) its canceller would take the person's voice for one: it is told then that nothing plays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from services.audio.address import Device, address
from services.audio.cleaning import Cleaner, NoCleaning
from services.audio.echo import EchoWatch
from services.audio.leak import LeakGuard
from services.audio.reference import Reference
from services.audio.resampling import Resampler
from services.audio.settings import AudioSettings
from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, Floats

if TYPE_CHECKING:
    from livekit.rtc import AudioFrame, AudioProcessingModule

__all__ = ["CleanerUnavailable", "WebRtcCleaner", "WithoutLog", "cleaner"]

_STEP = CAPTURE_RATE // 100
_NOTHING: Floats = np.zeros(0, np.float32)


class CleanerUnavailable(SottoError):
    """The native library that cleans the microphone's sound cannot be loaded."""


def cleaner(settings: AudioSettings) -> Cleaner:
    """Return what the settings ask for; unset, the echo canceller needs a microphone and a speaker, gain the first.

    Blocks while it loads the native library; raises CleanerUnavailable.
    """
    microphone = isinstance(address(settings.input), Device)
    speaker = isinstance(address(settings.output), Device)
    echo = microphone and speaker if settings.echo_cancellation is None else settings.echo_cancellation
    gain = microphone if settings.gain_control is None else settings.gain_control
    if not (echo or settings.noise_suppression or gain):
        return NoCleaning()
    try:
        return WebRtcCleaner(echo=echo, noise=settings.noise_suppression, gain=gain)
    except (ImportError, OSError) as error:
        raise CleanerUnavailable(
            f"The echo canceller cannot be loaded: {error}. The microphone is used as it is.",
            remedy="Install the voice part again (`scripts/setup`), or use headphones.",
        ) from error


class WebRtcCleaner:
    """See the module. It finds the delay between what is played and its echo by itself, up to about 250 ms.

    The constructor loads the native library (some 100 ms): call it off the event loop.
    """

    def __init__(self, *, echo: bool, noise: bool, gain: bool) -> None:
        from livekit.rtc import AudioProcessingModule, _ffi_client

        if not isinstance(_ffi_client.get_ffi_lib, WithoutLog):
            _ffi_client.get_ffi_lib = WithoutLog(_ffi_client.get_ffi_lib)
        self._module: AudioProcessingModule = AudioProcessingModule(
            echo_cancellation=echo, noise_suppression=noise, high_pass_filter=True, auto_gain_control=gain
        )
        self._watch = EchoWatch() if echo else None
        self._rate = CAPTURE_RATE
        self._resample = Resampler(CAPTURE_RATE, CAPTURE_RATE)
        self._reference = Reference()
        self._guard = LeakGuard()

    def clean(self, frame: Floats, played: Sequence[Floats], rate: int) -> Floats:
        if self._watch is None:
            return self._cleaned(frame)
        self._reference.add(self._at_capture_rate(played, rate))
        reference = self._reference.take(frame.size)
        echo = self._watch.hear(frame, reference)
        self._refer(reference, echo=echo)
        cleaned = self._cleaned(frame)
        return self._guard.guard(frame, cleaned, reference, torn=self._reference.torn) if echo else cleaned

    def _at_capture_rate(self, played: Sequence[Floats], rate: int) -> Floats:
        if rate != self._rate:
            self._rate, self._resample = rate, Resampler(rate, CAPTURE_RATE)
        return self._resample(np.concatenate(played)) if played else _NOTHING

    def _refer(self, reference: Floats, *, echo: bool) -> None:
        played = reference if echo else np.zeros_like(reference)
        for at in range(0, played.size, _STEP):
            self._module.process_reverse_stream(_frame(played[at : at + _STEP]))

    def _cleaned(self, frame: Floats) -> Floats:
        return np.concatenate([self._step(frame[i : i + _STEP]) for i in range(0, frame.size, _STEP)])

    def _step(self, step: Floats) -> Floats:
        frame = _frame(step)
        self._module.process_stream(frame)
        return np.frombuffer(frame.data, "<i2").astype(np.float32) / np.float32(32768.0)


class WithoutLog:
    """Loads livekit's library, and lets it keep its log to itself.

    It would hand it to Python on a thread of its own; one that does so while Python ends aborts the whole process.
    """

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def __call__(self) -> Any:
        """Return the library."""
        library = self._load()
        library.livekit_ffi_initialize = _Initialize(library.livekit_ffi_initialize)
        return library


class _Initialize:
    """The function of that name, in which capturing the log is the second argument."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self.argtypes: list[Any] = []

    def __call__(self, callback: Any, _capture_log: bool, *about: bytes) -> None:
        self._native.argtypes = self.argtypes
        self._native(callback, False, *about)


def _frame(step: Floats) -> AudioFrame:
    from livekit.rtc import AudioFrame

    samples = np.clip(step * 32768.0, -32768.0, 32767.0).astype("<i2")
    return AudioFrame(bytearray(samples), CAPTURE_RATE, 1, _STEP)
