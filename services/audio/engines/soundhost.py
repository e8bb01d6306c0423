"""A process that holds one sound device, so that nothing the assistant does can make it stutter.

Run as a program by `engines/portaudio.py` with the number of a socket. It imports nothing of ours: it is there after
50 ms, and its interpreter has nothing else to do than to answer PortAudio. When the socket closes, it ends.

A message is a letter, the length of its body, and the body. What comes over the socket:

    O  JSON: open the stream          S  samples (s16le, mono) to play after those that were sent before
    R  rest: stop calling             C  cut: of what was not played yet keep as many frames (u32), faded out
    W  wake

What goes back:

    d  JSON: the devices              b  until_ns (i64), then samples (float32, interleaved) that were captured
    o  JSON: the stream is open       t  a block was taken: see `TAKEN`
    s  and started                    c  cut: so many frames (u32) were kept
    e  JSON: it cannot be opened      f  the stream has ended
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from typing import Any

__all__ = ["HEAD", "TAKEN", "UNTIL", "main"]

HEAD = struct.Struct("<cI")
"""Kind of message, bytes that follow."""
TAKEN = struct.Struct("<IIqqI")
"""Frames of what was sent, frames of silence after them, monotonic ns at which they were asked for and at which they
begin to leave the device, 1 when the device had run dry before."""
UNTIL = struct.Struct("<q")
"""Monotonic ns at which the last captured sample was in the air."""
_COUNT = struct.Struct("<I")
_SECOND = 1_000_000_000
_STRANGEST_S = 2.0
"""A driver that states a longer latency than this is not believed."""
_SILENT_NS = _SECOND
"""A stream that has not called for so long is lost."""
_WATCH_S = 0.25
_UNREAD = 1 << 21
"""Bytes that may wait for an assistant that does not read: a minute of a microphone."""
_REAL_TIME = 5
_NICE = -11
"""What sound servers ask for; often refused, and on a machine that is not busy not missed."""


class Wire:
    """The socket's side that is written: never waits for the reader."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._unsent = bytearray()
        self._lock = threading.RLock()

    def send(self, kind: bytes, *body: bytes) -> None:
        """Send a message, or queue it; whoever does not read for a minute has no use for this process."""
        with self._lock:
            self._unsent += HEAD.pack(kind, sum(map(len, body)))
            for part in body:
                self._unsent += part
            try:
                del self._unsent[: self._socket.send(self._unsent, socket.MSG_DONTWAIT)]
            except BlockingIOError:
                pass
            except OSError:
                os._exit(0)  # the assistant has gone
            if len(self._unsent) > _UNREAD:
                os._exit(1)


class Microphone:
    """Sends what is captured."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.called_ns = time.monotonic_ns()

    def open(self, sd: Any, **stream: Any) -> Any:
        """Return the stream, not started yet."""
        self._latency_s, self._rate = stream["latency"], stream["samplerate"]
        return sd.RawInputStream(dtype="float32", callback=self._heard, **stream)

    def _heard(self, data: Any, frames: int, times: Any, _: object) -> None:
        self.called_ns = now = time.monotonic_ns()
        ago = times.currentTime - times.inputBufferAdcTime if times.inputBufferAdcTime else self._latency_s
        ago = ago if 0 <= ago < _STRANGEST_S else self._latency_s
        until = now - int(ago * _SECOND) + frames * _SECOND // self._rate
        self._wire.send(b"b", UNTIL.pack(until), bytes(data))


class Speaker:
    """Plays what was sent, silence where nothing was, and says for every block which of it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._ready = bytearray()
        self._lock = threading.Lock()
        self.called_ns = time.monotonic_ns()

    def open(self, sd: Any, **stream: Any) -> Any:
        """Return the stream, not started yet."""
        self._latency_s, self._channels = stream["latency"], stream["channels"]
        return sd.RawOutputStream(dtype="int16", callback=self._asked, **stream)

    def add(self, samples: bytes) -> None:
        """Play these next."""
        with self._lock:
            self._ready += samples

    def cut(self, most: int) -> None:
        """Forget what was not played yet, but for `most` frames that fade out."""
        with self._lock:
            tail = array("h", bytes(self._ready[: 2 * most]))
            for at, sample in enumerate(tail):
                tail[at] = sample * (len(tail) - at) // len(tail)
            self._ready[:] = tail.tobytes()
            self._wire.send(b"c", _COUNT.pack(len(tail)))

    def _asked(self, data: Any, frames: int, times: Any, flags: Any) -> None:
        self.called_ns = now = time.monotonic_ns()
        ahead = times.outputBufferDacTime - times.currentTime if times.outputBufferDacTime else self._latency_s
        ahead = ahead if 0 <= ahead < _STRANGEST_S else self._latency_s
        with self._lock:
            block = bytes(self._ready[: 2 * frames])
            del self._ready[: 2 * frames]
            taken = len(block) // 2
            at_ns = now + int(ahead * _SECOND)
            self._wire.send(b"t", TAKEN.pack(taken, frames - taken, now, at_ns, bool(flags.output_underflow)))
        data[:] = _spread(block.ljust(2 * frames, b"\0"), self._channels)


def _spread(samples: bytes, channels: int) -> bytes:
    if channels == 1:
        return samples
    mono, spread = array("h", samples), array("h", bytes(len(samples) * channels))
    for channel in range(channels):
        spread[channel::channels] = mono
    return spread.tobytes()


class Host:
    """One stream, from its opening to its end."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._wire = Wire(ours)
        self._end: Microphone | Speaker | None = None
        self._stream: Any = None
        self._resting = False

    def serve(self, sd: Any) -> None:
        """Do what is asked until nobody asks any more. `sd` is sounddevice."""
        self._wire.send(b"d", json.dumps(devices(sd)).encode())
        for kind, body in self._messages():
            if kind == b"O":
                self._open(sd, json.loads(body))
            elif kind == b"S" and isinstance(self._end, Speaker):
                self._end.add(body)
            elif kind == b"C" and isinstance(self._end, Speaker):
                self._end.cut(*_COUNT.unpack(body))
            elif kind in (b"R", b"W"):
                self._rest(sd, resting=kind == b"R")

    def _open(self, sd: Any, wanted: dict[str, Any]) -> None:
        self._end = Speaker(self._wire) if wanted["kind"] == "speaker" else Microphone(self._wire)
        try:
            rate, channels = _supported(sd, wanted)
            self._stream = self._end.open(
                sd,
                samplerate=rate,
                channels=channels,
                device=wanted["device"],
                blocksize=int(wanted["block_s"] * rate),
                latency=wanted["latency_s"],
                finished_callback=self._finished,
            )
            opened = {"rate": rate, "channels": channels, "latency_s": float(self._stream.latency)}
            self._wire.send(b"o", json.dumps(opened).encode())
            self._stream.start()
            self._wire.send(b"s")
        except sd.PortAudioError as error:
            self._stream = None
            self._wire.send(b"e", json.dumps({"reason": _reason(error)}).encode())

    def _rest(self, sd: Any, *, resting: bool) -> None:
        if self._stream is None or resting == self._resting:
            return
        self._resting = resting
        assert self._end is not None
        self._end.called_ns = time.monotonic_ns()
        try:
            self._stream.stop() if resting else self._stream.start()
        except sd.PortAudioError:
            self._resting = False
            self._finished()

    def _finished(self) -> None:
        if not self._resting:
            self._wire.send(b"f")

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        came = bytearray()
        while True:
            while len(came) < HEAD.size or len(came) < HEAD.size + HEAD.unpack_from(came)[1]:
                if not self._readable():
                    continue
                more = self._socket.recv(1 << 18)
                if not more:
                    return
                came += more
            kind, size = HEAD.unpack_from(came)
            body = bytes(came[HEAD.size : HEAD.size + size])
            del came[: HEAD.size + size]
            yield kind, body

    def _readable(self) -> bool:
        """Wait for something to read; meanwhile see to it that PortAudio still calls."""
        if select.select([self._socket], [], [], _WATCH_S)[0]:
            return True
        if self._stream is None or self._end is None or self._resting:
            return False
        if time.monotonic_ns() - self._end.called_ns > _SILENT_NS:
            self._stream = None
            self._wire.send(b"f")
        return False


def devices(sd: Any) -> list[dict[str, object]]:
    """What PortAudio sees."""
    inputs, outputs = sd.default.device
    systems = sd.query_hostapis()
    return [
        {
            "index": device["index"],
            "name": device["name"],
            "system": systems[device["hostapi"]]["name"],
            "inputs": device["max_input_channels"],
            "outputs": device["max_output_channels"],
            "rate": round(device["default_samplerate"]),
            "default_input": device["index"] == inputs,
            "default_output": device["index"] == outputs,
        }
        for device in sd.query_devices()
    ]


def _supported(sd: Any, wanted: dict[str, Any]) -> tuple[int, int]:
    """Return the first (rate, channels) that the device takes; raises the last refusal."""
    output = wanted["kind"] == "speaker"
    check, form = (sd.check_output_settings, "int16") if output else (sd.check_input_settings, "float32")
    refused: Exception | None = None
    for rate in wanted["rates"]:
        for channels in wanted["channels"]:
            try:
                check(device=wanted["device"], samplerate=rate, channels=channels, dtype=form)
                return rate, channels
            except sd.PortAudioError as refusal:
                refused = refusal
    assert refused is not None
    raise refused


def _reason(error: Exception) -> str:
    return str(error.args[0] if error.args else error).rstrip(".")


def _prefer() -> None:
    """Be called in time: nothing to collect, and before others where that is allowed."""
    gc.disable()
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REAL_TIME))
    except (AttributeError, OSError):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def main() -> None:
    """Hold one device, or print the devices that there are."""
    try:
        import sounddevice
    except OSError as error:
        missing = json.dumps({"missing": str(error)})
        if sys.argv[1] == "list":
            print(missing)  # noqa: T201 (its standard output is what it is asked for)
        else:
            Wire(socket.socket(fileno=int(sys.argv[1]))).send(b"e", missing.encode())
        return
    if sys.argv[1] == "list":
        print(json.dumps(devices(sounddevice)))  # noqa: T201
        return
    _prefer()
    Host(socket.socket(fileno=int(sys.argv[1]))).serve(sounddevice)
    os._exit(0)  # PortAudio may wait for a device that has gone


if __name__ == "__main__":
    sys.path[:] = json.loads(sys.argv[2])
    main()
