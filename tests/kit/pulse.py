"""A sound card made of software: a private PulseAudio with a virtual microphone and a virtual speaker.

async def test_it(tmp_path):
    with PulseAudio(tmp_path) as pulse:
        pulse.speak_into_microphone(pcm, 16_000)      # what PortAudio's device "pulse" then captures
        heard = pulse.record_speaker(seconds=2.0)     # what was played to PortAudio's device "pulse"

PortAudio reads the environment when it initialises: give `pulse.env` to the process that uses the devices, or enter
`pulse.here()` before PortAudio starts in this one.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["PulseAudio", "PulseMissing", "Recording", "room"]

_RATE = 48_000
_MICROPHONE, _SPEAKER = "sotto_mic", "sotto_speaker"
_STARTING_S = 10.0
_STREAMS = 256
_AIR_S = 0.07
"""Sound on its way from the speaker to the microphone."""
_ALSA = """
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.pulse { type pulse hint { show on description "PulseAudio" } }
ctl.pulse { type pulse }
"""


class PulseMissing(Exception):
    """PulseAudio, its tools or its ALSA plugin are not installed."""


class PulseAudio:
    """See the module. A context manager; what it started ends with it. `folder` must be private to the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "pulse.socket"
        self._server: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self._modules: dict[str, str] = {}

    @property
    def env(self) -> Mapping[str, str]:
        """The environment in which PortAudio sees this PulseAudio, as its only device `pulse` (and the default)."""
        return {
            **os.environ,
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_RUNTIME_PATH": str(self._folder),
            "PULSE_COOKIE": str(self._folder / "cookie"),
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
            "JACK_NO_START_SERVER": "1",
        }

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Use `env` in this process; PortAudio must not have been initialised yet, or must be so anew."""
        before = dict(os.environ)
        os.environ.update(self.env)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def __enter__(self) -> Self:
        _require("pulseaudio", "pactl", "pacat", "parec")
        (self._folder / "asound.conf").write_text(_ALSA)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- the server and its devices

    def start(self) -> None:
        """Start the server with both devices; returns when it answers."""
        self._socket.unlink(missing_ok=True)
        self._server = subprocess.Popen(
            [
                *(
                    "pulseaudio",
                    "-n",
                    "--daemonize=no",
                    "--exit-idle-time=-1",
                    "--use-pid-file=no",
                    "--log-level=error",
                ),
                *("--disallow-exit=no", "--high-priority=yes", "--realtime=yes"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"),
            ],
            env={**self.env, "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._await(self._answers)
        _keep_time(self._server.pid)
        self.plug()

    def stop(self) -> None:
        """End the server and every process of this kit; devices are gone for whoever uses them."""
        for child in (*self._children, *([self._server] if self._server else [])):
            child.terminate()
        for child in (*self._children, *([self._server] if self._server else [])):
            child.wait(5)
        self._children.clear()
        self._modules.clear()
        self._server = None

    def plug(self) -> None:
        """Both devices appear as the defaults; the microphone is the monitor of a sink that tests speak into."""
        self._plug(_SPEAKER, channels=2)
        self._plug(_MICROPHONE, channels=1)
        source = f"{_MICROPHONE}_source"
        self._load(source, "module-remap-source", f"master={_MICROPHONE}.monitor", f"source_name={source}")
        self._pactl("set-default-sink", _SPEAKER)
        self._pactl("set-default-source", source)

    def unplug(self) -> None:
        """Both devices vanish and their streams are cut off. (With one left, PulseAudio would move them there.)"""
        for module in reversed(list(self._modules)):
            self._pactl("unload-module", self._modules.pop(module))

    def occupy(self) -> None:
        """Others use the speaker up: PulseAudio mixes 256 streams into a sink, and refuses the next."""
        commands = self._folder / "commands.socket"
        self._pactl("suspend-sink", _SPEAKER, "1")  # nobody needs to hear them
        self._load("commands", "module-cli-protocol-unix", f"socket={commands}")
        with socket.socket(socket.AF_UNIX) as shell:
            shell.settimeout(_STARTING_S)
            shell.connect(str(commands))
            line = f"load-module module-sine sink={_SPEAKER}\n"
            shell.sendall((line * _STREAMS).encode())
            shell.shutdown(socket.SHUT_WR)
            while shell.recv(65_536):
                continue

    def release(self) -> None:
        """They let go of it."""
        self._pactl("unload-module", "module-sine")
        self._pactl("suspend-sink", _SPEAKER, "0")

    # ---- speaking and listening

    def speak_into_microphone(self, pcm: bytes, rate: int) -> subprocess.Popen[bytes]:
        """Start to play mono s16le into the microphone; `wait()` for the returned process to hear it out."""
        player = self._spawn(
            "pacat",
            "--playback",
            f"--device={_MICROPHONE}",
            "--latency-msec=100",
            *_form(rate),
            stdin=subprocess.PIPE,
        )
        assert player.stdin is not None
        _feed(player, pcm)
        return player

    @contextlib.contextmanager
    def recording(self, rate: int = _RATE, *, of: str = "speaker") -> Iterator[Recording]:
        """Record what is played to the speaker (or `of="microphone"`, what is said into it) while the block runs."""
        sink = _SPEAKER if of == "speaker" else _MICROPHONE
        recorder = self._spawn(
            "parec", f"--device={sink}.monitor", "--latency-msec=10", *_form(rate), stdout=subprocess.PIPE
        )
        recording = Recording(recorder, rate)
        try:
            recording.read(0.1)
            yield recording
        finally:
            recording.finish()

    def record_speaker(self, seconds: float, rate: int = _RATE) -> npt.NDArray[np.float32]:
        """Return what is played to the speaker during the next `seconds`, shape (samples,)."""
        with self.recording(rate) as recording:
            return recording.read(seconds)

    @contextlib.contextmanager
    def loopback(self, gain_db: float = -12.0, *, room: npt.NDArray[np.float32] | None = None) -> Iterator[None]:
        """Feed the speaker's sound back into the microphone, through a room's impulse response if one is given.

        `room` is at 48 kHz, shape (samples,), and is normalised to unit energy before `gain_db`.
        """
        response = np.array([1.0], np.float32) if room is None else room / np.sqrt(np.sum(np.square(room)))
        echo = _Echo(
            self._spawn(
                "parec", f"--device={_SPEAKER}.monitor", "--latency-msec=10", *_form(_RATE), stdout=subprocess.PIPE
            ),
            self._spawn("pacat", f"--device={_MICROPHONE}", "--latency-msec=60", *_form(_RATE), stdin=subprocess.PIPE),
            (response * 10 ** (gain_db / 20)).astype(np.float32),
        )
        echo.start()
        try:
            yield
        finally:
            echo.finish()

    # ---- inside

    def _spawn(
        self, *command: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            command, env=self.env, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._children.append(child)
        _keep_time(child.pid)
        return child

    def _plug(self, sink: str, channels: int) -> None:
        """Make a null sink that keeps time in steps of 10 ms.

        Left alone it renders two seconds ahead and its first user waits for them, so it is held back (suspended)
        until a silent player and a recorder have asked for short steps, and never left without them.
        """
        self._load(sink, "module-null-sink", f"sink_name={sink}", f"rate={_RATE}", f"channels={channels}")
        self._pactl("suspend-sink", sink, "1")
        with Path("/dev/zero").open("rb") as silence:
            self._spawn("pacat", f"--device={sink}", "--latency-msec=10", *_form(_RATE), stdin=silence.fileno())
        self._spawn("parec", f"--device={sink}.monitor", "--latency-msec=10", *_form(_RATE))
        self._await(lambda: self._streams("sink-inputs", sink) and self._streams("source-outputs", f"{sink}.monitor"))
        self._pactl("suspend-sink", sink, "0")

    def _streams(self, kind: str, device: str) -> bool:
        """Whether anything plays to (or records from) a device."""
        devices = "sinks" if kind == "sink-inputs" else "sources"
        rows = [row.split("\t") for row in self._pactl("list", "short", devices).splitlines()]
        number = next(row[0] for row in rows if row[1] == device)
        return any(row.split("\t")[1] == number for row in self._pactl("list", "short", kind).splitlines())

    def _await(self, true: Callable[[], bool]) -> None:
        """PulseAudio announces nothing that a one-shot client could wait for, so it is asked, for at most 10 s."""
        assert self._server is not None
        until = time.monotonic() + _STARTING_S
        while not true():
            if time.monotonic() > until:
                raise PulseMissing("PulseAudio did not come up in time")
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise PulseMissing(f"pulseaudio ended with status {self._server.wait(0.02)}")

    def _load(self, name: str, *module: str) -> None:
        self._modules[name] = self._pactl("load-module", *module).strip()

    def _answers(self) -> bool:
        return self._run("info").returncode == 0

    def _pactl(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise RuntimeError(f"pactl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pactl", *arguments], env=self.env, capture_output=True, text=True, check=False, timeout=_STARTING_S
        )


class Recording:
    """A recorder's samples as they come."""

    def __init__(self, recorder: subprocess.Popen[bytes], rate: int) -> None:
        self.rate = rate
        self._recorder = recorder
        self._pcm = bytearray()
        self._heard: list[bytes] = []

    @property
    def heard(self) -> npt.NDArray[np.float32]:
        """Everything read by now, shape (samples,)."""
        return _floats(b"".join(self._heard))

    def read(self, seconds: float) -> npt.NDArray[np.float32]:
        """Return the next `seconds` of sound, waiting for them in real time."""
        return _floats(self._bytes(2 * round(seconds * self.rate)))

    def silent_since(self, threshold: float = 0.01, silence_s: float = 0.3) -> float:
        """Read on until `silence_s` of silence came; return when its first sample arrived (`time.monotonic`).

        That is 10 to 20 ms after it left the speaker: a measured time to silence is never too short.
        """
        step = self.rate // 200
        silent, since = 0, time.monotonic()
        while silent < silence_s * self.rate:
            samples = _floats(self._bytes(2 * step))
            if np.abs(samples).max() > threshold:
                silent, since = 0, time.monotonic()
            silent += step
        return since

    def _bytes(self, count: int) -> bytes:
        assert self._recorder.stdout is not None
        while len(self._pcm) < count:
            ready, _, _ = select.select([self._recorder.stdout], [], [], _STARTING_S)
            data = os.read(self._recorder.stdout.fileno(), 65_536) if ready else b""
            if not data:
                raise RuntimeError("the recorder gave no sound")
            self._pcm += data
        taken = bytes(self._pcm[:count])
        del self._pcm[:count]
        self._heard.append(taken)
        return taken

    def finish(self) -> None:
        """Stop recording."""
        self._recorder.terminate()
        self._recorder.wait(5)
        assert self._recorder.stdout is not None
        self._recorder.stdout.close()


class _Echo(threading.Thread):
    """Carries sound from a recorder to a player, convolved block by block with a room."""

    def __init__(
        self, recorder: subprocess.Popen[bytes], player: subprocess.Popen[bytes], room: npt.NDArray[np.float32]
    ) -> None:
        super().__init__(name="echo", daemon=True)
        self._recorder, self._player, self._room = recorder, player, room
        self._carried = 0.0
        """Until when the player has sound, on the monotonic clock."""

    def run(self) -> None:
        assert self._recorder.stdout is not None
        assert self._player.stdin is not None
        _keep_time()
        tail = np.zeros(self._room.size - 1, np.float32)
        odd = b""
        while data := os.read(self._recorder.stdout.fileno(), 4096):
            data, odd = (odd + data)[: (len(odd) + len(data)) & ~1], (odd + data)[(len(odd) + len(data)) & ~1 :]
            echo = _convolved(_floats(data), self._room)
            echo[: tail.size] += tail
            size = len(data) // 2
            tail = echo[size:]
            pcm = (np.clip(echo[:size], -1, 0.9999) * 32768).astype("<i2").tobytes()
            try:
                self._player.stdin.write(self._in_time(pcm))
            except BrokenPipeError:
                return

    def _in_time(self, pcm: bytes) -> bytes:
        """What of it the air would still carry: pipes keep whatever a busy machine was late with, for ever."""
        now = time.monotonic()
        self._carried = max(self._carried, now) + len(pcm) / 2 / _RATE
        late = self._carried - now - _AIR_S
        if late < _AIR_S:
            return pcm
        self._carried -= min(late, len(pcm) / 2 / _RATE)
        return pcm[2 * round(late * _RATE) :]

    def finish(self) -> None:
        self._recorder.terminate()
        self._recorder.wait(5)
        self.join(5)
        self._player.terminate()
        self._player.wait(5)
        for pipe in (self._recorder.stdout, self._player.stdin):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _keep_time(process: int = 0) -> None:
    """Put a process (0: this thread) before all others, where that is allowed: sound in air does not wait for a CPU."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(process, os.SCHED_RR, os.sched_param(5))


def room(seconds: float = 0.15, delay_s: float = 0.004, seed: int = 1) -> npt.NDArray[np.float32]:
    """The impulse response of a small room at 48 kHz: a direct path, then noise that decays by 60 dB."""
    size, delay = round(seconds * _RATE), round(delay_s * _RATE)
    decay = 10 ** (-3 * np.arange(size) / size)
    response = np.random.default_rng(seed).standard_normal(size) * decay * 0.1
    response[0] = 1.0
    return np.asarray(np.concatenate((np.zeros(delay), response)), dtype=np.float32)


def _convolved(samples: npt.NDArray[np.float32], room: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    size = samples.size + room.size - 1
    length = 1 << (size - 1).bit_length()
    product = np.fft.rfft(samples, length) * np.fft.rfft(room, length)
    return np.asarray(np.fft.irfft(product, length)[:size], dtype=np.float32)


def _feed(player: subprocess.Popen[bytes], pcm: bytes) -> None:
    def write() -> None:
        assert player.stdin is not None
        with contextlib.suppress(BrokenPipeError), player.stdin as pipe:
            pipe.write(pcm)

    threading.Thread(target=write, name="speaking", daemon=True).start()


def _floats(pcm: bytes) -> npt.NDArray[np.float32]:
    return np.asarray(np.frombuffer(pcm, "<i2") / 32768, dtype=np.float32)


def _form(rate: int) -> tuple[str, ...]:
    return ("--raw", "--format=s16le", "--channels=1", f"--rate={rate}")


def _require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    plugin = any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    if missing or not plugin:
        raise PulseMissing(
            f"These tests need PulseAudio ({', '.join(missing) or 'its ALSA plugin'} is missing): "
            "apt-get install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"
        )
