"""Sound devices through PortAudio, by way of sounddevice: opened at a rate they support, mixed to and from mono."""

from __future__ import annotations

import asyncio
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.audio.devices import (
    Captured,
    DeviceBusy,
    DeviceInfo,
    DeviceNotFound,
    DeviceStream,
    NoSoundSystem,
    Pulled,
)
from services.audio.engines.soundfiles import mono
from shared.errors import SottoError

__all__ = ["PortAudio", "list_devices", "print_devices"]

_INPUT_RATES = (16_000, 48_000, 44_100)
"""16 kHz first: where the system converts anyway, ours need not add its filter's delay."""
_OUTPUT_RATES = (48_000, 44_100, 16_000)
_INPUT_BLOCK_S = 0.02
_INPUT_LATENCY_S = 0.06
"""Three blocks: room for a late callback, still delivered block by block."""
_OUTPUT_BLOCK_S = 0.01
_WATCH_S = 0.25
_SILENT_NS = 1_000_000_000
"""A stream that has not called for so long is lost."""
_LOOK_NS = 15_000_000_000
_SECOND = 1_000_000_000
_STRANGEST_S = 2.0
"""A driver that states a longer latency than this is not believed."""


class _Times(Protocol):
    """PortAudio's own struct of times, in s of its own clock."""

    inputBufferAdcTime: float  # noqa: N815 (PortAudio's name)
    outputBufferDacTime: float  # noqa: N815 (PortAudio's name)
    currentTime: float  # noqa: N815 (PortAudio's name)


class _Flags(Protocol):
    """PortAudio's remarks on a block."""

    output_underflow: bool


class _Native(Protocol):
    """What we use of a sounddevice stream."""

    samplerate: float
    latency: float

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self, ignore_errors: bool = True) -> None: ...


class PortAudio:
    """The sound devices of this machine. All but the callbacks runs on one thread of its own.

    PortAudio sees new devices only when it starts again, which ends every stream. That is done at once when none is
    open; else another process looks first, and only what it finds there is worth the interruption (some 100 ms).
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="portaudio")
        self._streams: list[_Stream] = []
        self._looked_ns = -_LOOK_NS

    async def open_input(self, name: str, captured: Captured) -> DeviceStream:
        return await self._opened("microphone", lambda stream: _start_input(stream, name, captured))

    async def open_output(self, name: str, latency_s: float, pulled: Callable[[int], Pulled]) -> DeviceStream:
        return await self._opened("speaker", lambda stream: _start_output(stream, name, latency_s, pulled))

    async def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def _opened(self, kind: str, start: Callable[[_Stream], None]) -> DeviceStream:
        stream = _Stream(kind, asyncio.get_running_loop(), self._closed, self._in_thread)
        opening = asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._start(stream, start))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])  # a stream that nobody owns must not stay open
            await stream.close()
            raise
        return stream

    async def _closed(self, stream: _Stream) -> None:
        await self._in_thread(lambda: self._close(stream))

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # ---- on the thread

    def _start(self, stream: _Stream, start: Callable[[_Stream], None]) -> None:
        sd = _library(fresh=not self._streams)
        try:
            _attempt(sd, stream, start)
        except SottoError:
            if not self._others_came(sd):
                raise
            for other in tuple(self._streams):
                other.interrupt()
                self._close(other)
            _rescan(sd)
            _attempt(sd, stream, start)
        self._streams.append(stream)

    def _others_came(self, sd: ModuleType) -> bool:
        """Whether another process sees other devices than this one; asked every 15 s at most."""
        now = time.monotonic_ns()
        if not self._streams or now - self._looked_ns < _LOOK_NS:
            return False
        self._looked_ns = now
        look = "from services.audio.engines.portaudio import print_devices; print_devices()"
        seen = subprocess.run(  # noqa: S603 (our own interpreter and our own line)
            [sys.executable, "-c", look], capture_output=True, text=True, check=False, timeout=10
        )
        return seen.returncode == 0 and seen.stdout.strip() != _fingerprint(_listed(sd))

    def _close(self, stream: _Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            stream.end()


class _Stream:
    """One open stream, and the watch over it."""

    def __init__(
        self,
        kind: str,
        loop: asyncio.AbstractEventLoop,
        close: Callable[[_Stream], Coroutine[None, None, None]],
        in_thread: Callable[[Callable[[], None]], Coroutine[None, None, None]],
    ) -> None:
        self.rate = 0
        self.latency_s = 0.0
        self.gaps = 0
        self.called_ns = time.monotonic_ns()
        self.kind = kind
        self._loop = loop
        self._close = close
        self._in_thread = in_thread
        self._resting = False
        self._native: _Native | None = None
        self._finished = asyncio.Event()
        self._interrupted = False

    def run(self, native: _Native) -> None:
        """Start a stream that was opened; it is closed again if that fails."""
        self._native = native
        self.rate, self.latency_s = round(native.samplerate), float(native.latency)
        self.called_ns = time.monotonic_ns()
        try:
            native.start()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Close the native stream: no callback is running or follows."""
        native, self._native = self._native, None
        if native is not None:
            native.close(ignore_errors=True)

    def interrupt(self) -> None:
        """It is ended to look for devices, and may be opened again at once."""
        self._interrupted = True

    def finished(self) -> None:
        """PortAudio ended the stream (called by its thread)."""
        if not self._resting:
            self._loop.call_soon_threadsafe(self._finished.set)

    async def rest(self) -> None:
        await self._in_thread(self._rest)

    async def wake(self) -> None:
        await self._in_thread(self._wake)

    def _rest(self) -> None:
        if self._native is not None and not self._finished.is_set():
            self._resting = True
            self._attempt(self._native.stop)

    def _wake(self) -> None:
        if self._native is not None and self._resting:
            self.called_ns = time.monotonic_ns()
            self._resting = False
            self._attempt(self._native.start)

    def _attempt(self, what: Callable[[], None]) -> None:
        try:
            what()
        except _library().PortAudioError:
            self._resting = False
            self.finished()

    async def lost(self) -> str:
        while not self._finished.is_set():
            try:
                async with asyncio.timeout(_WATCH_S):
                    await self._finished.wait()
            except TimeoutError:
                if not self._resting and time.monotonic_ns() - self.called_ns > _SILENT_NS:
                    break
        if self._interrupted:
            return ""
        return (
            f"The {self.kind} went away or stopped answering. "
            "Plug it in again, or choose another one (`sotto devices`)."
        )

    async def close(self) -> None:
        await self._close(self)


def print_devices() -> None:
    """Print what identifies the devices that are there (for another process of ours)."""
    sys.stdout.write(_fingerprint(list_devices()))


def _fingerprint(devices: tuple[DeviceInfo, ...]) -> str:
    return json.dumps([[d.name, d.system, d.inputs, d.outputs] for d in devices])


def _attempt(sd: ModuleType, stream: _Stream, start: Callable[[_Stream], None]) -> None:
    try:
        start(stream)
    except sd.PortAudioError as error:
        raise DeviceBusy(
            f"The {stream.kind} cannot be opened: {_reason(error)}.",
            remedy="Close the program that uses it, or choose another one (`sotto devices`).",
        ) from error


def list_devices() -> tuple[DeviceInfo, ...]:
    """Return the devices that are there now. Raises NoSoundSystem.

    Blocks for tens of ms, and ends every stream of this process: for a command that lists, not for one that listens.
    """
    return _listed(_library(fresh=True))


def _listed(sd: ModuleType) -> tuple[DeviceInfo, ...]:
    default_input, default_output = sd.default.device
    systems = sd.query_hostapis()
    return tuple(
        DeviceInfo(
            index=device["index"],
            name=device["name"],
            system=systems[device["hostapi"]]["name"],
            inputs=device["max_input_channels"],
            outputs=device["max_output_channels"],
            rate=round(device["default_samplerate"]),
            default_input=device["index"] == default_input,
            default_output=device["index"] == default_output,
        )
        for device in sd.query_devices()
    )


def _library(*, fresh: bool = False) -> ModuleType:
    """Return sounddevice, loaded if need be; `fresh`: with the devices that are there now."""
    loaded = "sounddevice" in sys.modules
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundSystem(
            f"PortAudio, the library for sound devices, is missing: {error}.",
            remedy="Install it: `apt-get install libportaudio2` (Debian, Ubuntu) or `brew install portaudio` (macOS).",
        ) from error
    if not loaded:
        _quiet_alsa()
    if loaded and fresh:
        _rescan(sounddevice)
    return sounddevice


def _quiet_alsa() -> None:
    """Keep ALSA from writing its warnings into the conversation on the terminal.

    Its handler is called from the thread that plays. A C function that takes no argument and does nothing is one that
    ignores them all, and needs no interpreter.
    """
    try:
        nothing = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(nothing)
    except (OSError, AttributeError):
        return  # no ALSA here


def _rescan(sd: ModuleType) -> None:
    """Look for devices anew. PortAudio does that only when it starts, and sounddevice has no public way to say so."""
    sd._terminate()  # noqa: SLF001
    sd._initialize()  # noqa: SLF001


def _chosen(sd: ModuleType, name: str, channels: Callable[[DeviceInfo], int], kind: str) -> DeviceInfo:
    able = [d for d in _listed(sd) if channels(d)]
    if name == "default":
        default = sd.default.device[0 if kind == "microphone" else 1]
        found = [d for d in able if d.index == default] or able
    elif name.isdecimal():
        found = [d for d in able if d.index == int(name)]
    else:
        found = [d for d in able if d.name == name] or [d for d in able if name.casefold() in d.name.casefold()]
    if found:
        return found[0]
    if not able:
        raise DeviceNotFound(
            f"There is no {kind}.", remedy="Plug one in; Sotto takes it up. Meanwhile: type, or use a file."
        )
    raise DeviceNotFound(
        f"There is no {kind} named {name!r}.",
        remedy="Choose one of: " + ", ".join(dict.fromkeys(repr(d.name) for d in able)) + " (`sotto devices`).",
    )


def _supported(
    check: Callable[..., None],
    device: DeviceInfo,
    rates: tuple[int, ...],
    channels: tuple[int, ...],
    error: type[Exception],
) -> tuple[int, int]:
    """Return the first (rate, channels) that the device takes; raises the last refusal."""
    refused: Exception | None = None
    for rate in dict.fromkeys((*rates, device.rate)):
        for count in dict.fromkeys(channels):
            try:
                check(device=device.index, samplerate=rate, channels=count, dtype="float32")
                return rate, count
            except error as refusal:
                refused = refusal
    assert refused is not None
    raise refused


def _start_input(stream: _Stream, name: str, captured: Captured) -> None:
    sd = _library()
    device = _chosen(sd, name, lambda d: d.inputs, "microphone")
    rate, channels = _supported(
        sd.check_input_settings, device, _INPUT_RATES, (1, min(2, device.inputs), device.inputs), sd.PortAudioError
    )

    def heard(data: npt.NDArray[np.float32], frames: int, times: _Times, _: object) -> None:
        stream.called_ns = now = time.monotonic_ns()
        ago = times.currentTime - times.inputBufferAdcTime if times.inputBufferAdcTime else stream.latency_s
        ago = ago if 0 <= ago < _STRANGEST_S else stream.latency_s
        captured(mono(data), rate, now - int(ago * _SECOND) + frames * _SECOND // rate)

    stream.run(
        sd.InputStream(
            samplerate=rate,
            blocksize=int(_INPUT_BLOCK_S * rate),
            device=device.index,
            channels=channels,
            dtype="float32",
            latency=_INPUT_LATENCY_S,
            callback=heard,
            finished_callback=stream.finished,
        ),
    )


def _start_output(stream: _Stream, name: str, latency_s: float, pulled: Callable[[int], Pulled]) -> None:
    sd = _library()
    device = _chosen(sd, name, lambda d: d.outputs, "speaker")
    rate, channels = _supported(
        sd.check_output_settings, device, _OUTPUT_RATES, (min(2, device.outputs), 1, device.outputs), sd.PortAudioError
    )
    pull = pulled(rate)

    def played(data: npt.NDArray[np.float32], frames: int, times: _Times, flags: _Flags) -> None:
        stream.called_ns = now = time.monotonic_ns()
        stream.gaps += flags.output_underflow
        ahead = times.outputBufferDacTime - times.currentTime if times.outputBufferDacTime else stream.latency_s
        ahead = ahead if 0 <= ahead < _STRANGEST_S else stream.latency_s
        data[:] = pull(frames, now + int(ahead * _SECOND))[:, np.newaxis]

    stream.run(
        sd.OutputStream(
            samplerate=rate,
            blocksize=int(_OUTPUT_BLOCK_S * rate),
            device=device.index,
            channels=channels,
            dtype="float32",
            latency=latency_s,
            callback=played,
            finished_callback=stream.finished,
        ),
    )


def _reason(error: Exception) -> str:
    return str(error.args[0] if error.args else error).rstrip(".")
