"""Sound devices through PortAudio, each in a process of its own (`soundhost.py`): opened at a rate they support.

What keeps this interpreter busy keeps no device waiting: two seconds of sound lie ahead in the speaker's process,
and are cut off there at once when a pause asks for it. A sound system that aborts takes its own process with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from services.audio.devices import (
    Captured,
    DeviceBusy,
    DeviceInfo,
    DeviceNotFound,
    DeviceStream,
    NoSoundSystem,
    Source,
    SpeakerStream,
)
from services.audio.engines.soundfiles import mono
from services.audio.engines.soundhost import HEAD, TAKEN, UNTIL
from shared.pcm import pcm16

__all__ = ["PortAudio", "list_devices"]

_HOST = Path(__file__).with_name("soundhost.py")
_INPUT_RATES = (16_000, 48_000, 44_100)
"""16 kHz first: where the system converts anyway, ours need not add its filter's delay."""
_OUTPUT_RATES = (48_000, 44_100, 16_000)
_INPUT_BLOCK_S = 0.02
_INPUT_LATENCY_S = 0.06
"""Three blocks: room for a late callback, still delivered block by block."""
_OUTPUT_BLOCK_S = 0.01
_AHEAD_S = 2.0
"""Sound that waits in the speaker's process: as long may this one be kept from sending more."""
_FADE_S = 0.005
_ENDING_S = 2.0
_LISTING_S = 20.0
_SECOND = 1_000_000_000
_COUNT = struct.Struct("<I")


class PortAudio:
    """The sound devices of this machine. Every opening sees those that are there at that moment."""

    async def open_input(self, name: str, captured: Captured) -> DeviceStream:
        stream = _Microphone(name, captured)
        await stream.open()
        return stream

    async def open_output(self, name: str, latency_s: float, source: Source) -> SpeakerStream:
        stream = _Speaker(name, latency_s, source)
        await stream.open()
        return stream

    async def close(self) -> None:
        """Nothing is shared: each stream ends its own process."""


class _Stream(asyncio.Protocol):
    """One open stream and the process that holds it."""

    kind = ""

    def __init__(self, name: str) -> None:
        self.rate = 0
        self.latency_s = 0.0
        self.gaps = 0
        self.channels = 1
        self._name = name
        self._came = bytearray()
        self._answers: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self._finished = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    # ---- the stream

    async def open(self) -> None:
        """Open it, or leave nothing behind. Raises NoSoundSystem, DeviceNotFound, DeviceBusy."""
        try:
            await self._start()
            devices = _devices(await self._answer(b"d"))
            self._send(b"O", json.dumps({"kind": self.kind, **self._wanted(devices)}).encode())
            await self._answer(b"o")
            await self._answer(b"s")
        except BaseException:
            await self.close()
            raise

    async def lost(self) -> str:
        await self._finished.wait()
        return (
            f"The {self.kind} went away or stopped answering. "
            "Plug it in again, or choose another one (`sotto devices`)."
        )

    async def rest(self) -> None:
        self._send(b"R")

    async def wake(self) -> None:
        self._send(b"W")

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        process, self._process = self._process, None
        if transport is not None:
            transport.abort()
        if process is not None:
            await asyncio.shield(asyncio.to_thread(_reap, process))

    # ---- its process

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            starting = asyncio.ensure_future(asyncio.to_thread(_start, theirs))
            try:
                self._process = await asyncio.shield(starting)
            except BaseException:
                ours.close()
                with theirs:
                    self._process = await starting
                raise
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_unix_connection(lambda: self, sock=ours)

    async def _answer(self, wanted: bytes) -> bytes:
        kind, body = await self._answers.get()
        if kind == wanted:
            return body
        raise self._refused(json.loads(body)) if kind == b"e" else await self._died()

    async def _died(self) -> NoSoundSystem:
        assert self._process is not None
        return _died(await asyncio.to_thread(_reap, self._process))

    def _refused(self, why: Mapping[str, str]) -> Exception:
        if "missing" in why:
            return _missing(why["missing"])
        return DeviceBusy(
            f"The {self.kind} cannot be opened: {why['reason']}.",
            remedy="Close the program that uses it, or choose another one (`sotto devices`).",
        )

    def _send(self, kind: bytes, body: bytes = b"") -> None:
        if self._transport is not None:
            self._transport.write(HEAD.pack(kind, len(body)) + body)

    def data_received(self, data: bytes) -> None:
        self._came += data
        while len(self._came) >= HEAD.size:
            kind, size = HEAD.unpack_from(self._came)
            if len(self._came) < HEAD.size + size:
                return
            body = bytes(self._came[HEAD.size : HEAD.size + size])
            del self._came[: HEAD.size + size]
            self._heard(kind, body)

    def connection_lost(self, _: Exception | None) -> None:
        self._answers.put_nowait((b"", b""))
        self._finished.set()

    def _heard(self, kind: bytes, body: bytes) -> None:
        if kind == b"f":
            self._finished.set()
        elif kind == b"o":
            opened = json.loads(body)
            self.rate, self.channels, self.latency_s = opened["rate"], opened["channels"], opened["latency_s"]
            self._began()
        if kind in (b"d", b"o", b"s", b"e"):
            self._answers.put_nowait((kind, body))

    def _began(self) -> None:
        """Its rate is known."""

    def _wanted(self, devices: tuple[DeviceInfo, ...]) -> dict[str, object]:
        """How to open it."""
        raise NotImplementedError


class _Microphone(_Stream):
    kind = "microphone"

    def __init__(self, name: str, captured: Captured) -> None:
        super().__init__(name)
        self._captured = captured

    def _wanted(self, devices: tuple[DeviceInfo, ...]) -> dict[str, object]:
        device = _chosen(devices, lambda d: d.inputs, self._name, lambda d: d.default_input, self.kind)
        return {
            "device": device.index,
            "rates": list(dict.fromkeys((*_INPUT_RATES, device.rate))),
            "channels": list(dict.fromkeys((1, min(2, device.inputs), device.inputs))),
            "block_s": _INPUT_BLOCK_S,
            "latency_s": _INPUT_LATENCY_S,
        }

    def _heard(self, kind: bytes, body: bytes) -> None:
        if kind == b"b":
            frames = np.frombuffer(body, np.float32, offset=UNTIL.size).reshape(-1, self.channels)
            self._captured(mono(frames), self.rate, *UNTIL.unpack_from(body))
        else:
            super()._heard(kind, body)


class _Speaker(_Stream):
    """Keeps `_AHEAD_S` of its source in the process, as far as there is so much to play."""

    kind = "speaker"

    def __init__(self, name: str, latency_s: float, source: Source) -> None:
        super().__init__(name)
        self._latency_s = latency_s
        self._source = source
        self._ahead = 0
        """Frames that were sent and not taken."""
        self._cutting = False
        self._due_ns = 0
        """When the next block should leave the device."""

    async def open(self) -> None:
        await super().open()
        self.attend()

    def attend(self) -> None:
        if self._cutting or self._transport is None or not self.rate:
            return
        if self._source.cutting and self._ahead:
            self._cutting = True
            self._send(b"C", _COUNT.pack(round(_FADE_S * self.rate)))
            return
        wanted = round(_AHEAD_S * self.rate)
        while self._ahead < wanted and (samples := self._source.ahead(wanted - self._ahead)).size:
            self._ahead += samples.size
            self._send(b"S", pcm16(samples))

    def _wanted(self, devices: tuple[DeviceInfo, ...]) -> dict[str, object]:
        device = _chosen(devices, lambda d: d.outputs, self._name, lambda d: d.default_output, self.kind)
        return {
            "device": device.index,
            "rates": list(dict.fromkeys((*_OUTPUT_RATES, device.rate))),
            "channels": list(dict.fromkeys((min(2, device.outputs), 1, device.outputs))),
            "block_s": _OUTPUT_BLOCK_S,
            "latency_s": self._latency_s,
        }

    def _began(self) -> None:
        self._source.begin(self.rate)

    def _heard(self, kind: bytes, body: bytes) -> None:
        if kind == b"t":
            self._took(*TAKEN.unpack(body))
        elif kind == b"c":
            (self._ahead,) = _COUNT.unpack(body)
            self._cutting = False
            self._source.cut(self._ahead)
            self.attend()
        else:
            super()._heard(kind, body)

    def _took(self, frames: int, silence: int, asked_ns: int, at_ns: int, dry: int) -> None:
        torn = (at_ns - self._due_ns) * self.rate // _SECOND if dry and self._due_ns else 0
        self._due_ns = at_ns + (frames + silence) * _SECOND // self.rate
        self.gaps += dry
        self._ahead -= frames
        self._source.took(frames, silence, asked_ns, at_ns, max(0, min(torn, self.rate)))
        self.attend()


def _command(what: str) -> list[str]:
    # Isolated and without site packages of its own, which is twice as fast; it finds modules where we do.
    return [sys.executable, "-I", "-S", str(_HOST), what, json.dumps(sys.path)]


def _start(theirs: socket.socket) -> subprocess.Popen[bytes]:
    """Start the process, away from the terminal: a Ctrl-C there is not for it, nor has it anything to say there."""
    return subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
        _command(str(theirs.fileno())),
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _reap(process: subprocess.Popen[bytes]) -> int:
    """Its status, once it has ended, as it does when nobody is connected any more."""
    try:
        return process.wait(_ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def list_devices() -> tuple[DeviceInfo, ...]:
    """Return the devices that are there now. Raises NoSoundSystem. Blocks for a tenth of a second."""
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and our own program)
            _command("list"), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_LISTING_S
        )
    except subprocess.TimeoutExpired as error:
        raise NoSoundSystem(
            f"The sound system did not answer within {_LISTING_S:.0f} s.",
            remedy="Restart it, or use files (`--input`, `--output`).",
        ) from error
    if done.returncode:
        raise _died(done.returncode)
    return _devices(done.stdout)


def _devices(told: bytes) -> tuple[DeviceInfo, ...]:
    found = json.loads(told)
    if isinstance(found, dict):
        raise _missing(found["missing"])
    return tuple(DeviceInfo(**device) for device in found)


def _missing(why: str) -> NoSoundSystem:
    return NoSoundSystem(
        f"PortAudio, the library for sound devices, is missing: {why}.",
        remedy="Install it: `apt-get install libportaudio2` (Debian, Ubuntu) or `brew install portaudio` (macOS).",
    )


def _died(status: int) -> NoSoundSystem:
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    set_to = {name: os.environ[name] for name in ("ALSA_CONFIG_PATH", "ALSA_CONFIG_DIR") if name in os.environ}
    named = "".join(f" {name} is {value!r} here." for name, value in set_to.items())
    return NoSoundSystem(
        f"The sound system cannot be used: it broke off with {how}.{named}",
        remedy="Mend its configuration (ALSA: ~/.asoundrc, /etc/asound.conf), or use files (`--input`, `--output`).",
    )


def _chosen(
    devices: Sequence[DeviceInfo],
    channels: Callable[[DeviceInfo], int],
    name: str,
    is_default: Callable[[DeviceInfo], bool],
    kind: str,
) -> DeviceInfo:
    able = [d for d in devices if channels(d)]
    defaults = [d for d in able if is_default(d)] or able
    found = defaults if name == "default" else _named(able, name)
    if found:
        return found[0]
    if name != "default" and _named(devices, name):
        # PortAudio tries every device when it starts; one that others hold has no channels then.
        raise DeviceBusy(
            f"The {kind} {name!r} cannot be opened now.",
            remedy="Close the program that uses it, or choose another one (`sotto devices`).",
        )
    if not able:
        raise DeviceNotFound(
            f"There is no {kind}.",
            remedy="Plug one in, or close the program that uses it; Sotto takes it up. Meanwhile: type, or use a file.",
        )
    raise DeviceNotFound(
        f"There is no {kind} named {name!r}.",
        remedy="Choose one of: " + ", ".join(dict.fromkeys(repr(d.name) for d in able)) + " (`sotto devices`).",
    )


def _named(devices: Sequence[DeviceInfo], name: str) -> list[DeviceInfo]:
    if name.isdecimal():
        return [d for d in devices if d.index == int(name)]
    return [d for d in devices if d.name == name] or [d for d in devices if name.casefold() in d.name.casefold()]
