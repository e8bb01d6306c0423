"""How long a person waits: a whole spoken conversation with the built-in engines, measured in real time.

Questions are spoken by espeak-ng into the microphone's place and answered by the real services. Printed are the
latency ledger's parts from the last voiced sample to the first audible one, the first audio of a clause, the speaker's
silence after a barge-in and its gaps beside other work, both through virtual sound devices (PulseAudio), the cold
start, idle CPU and memory.

Baselines in the same run: the endpoint wait that the settings ask for, Python's own start, and an event loop that
only reads and writes the same pipe.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from services.app import Assistant, Settings, speech
from shared.events import Event, Latency, TtsAudio, TtsRequest, TurnFinished
from shared.logs import configure
from shared.pcm import CAPTURE_RATE, floats, pcm16, resample
from tests.kit.pulse import PulseAudio, Recording
from tests.kit.terminal import Terminal
from ui.cli.demo import Person, Question

QUESTIONS = (
    "what time is it",
    "what time is it in Tokyo",
    "what is the date today",
    "what is seventeen times twenty three",
    "how many miles is ten kilometers",
    "who are you",
    "what time is it in Paris",
    "what is twelve plus thirty",
)
WORDS = ("wait a moment", "no", "stop")
_OURS = ("queue",)
_PERCENTILES = (50, 95, 99)


def voices(settings: Settings) -> dict[str, bytes]:
    """The questions as espeak-ng says them, mono s16le at 16 kHz."""
    say = speech(settings)
    spoken = {text: say(text) for text in (*QUESTIONS, "what can you do", *WORDS)}
    return {text: pcm16(resample(floats(s.pcm), s.rate, CAPTURE_RATE)) for text, s in spoken.items()}


# ---- fifty turns


class Watch:
    """Keeps what the figures are made of, while the conversation goes on."""

    def __init__(self) -> None:
        self.latencies: list[Latency] = []
        self.clauses: list[float] = []
        self.reasons: dict[str, int] = defaultdict(int)
        self._asked: dict[tuple[str, int], int] = {}

    def see(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, TtsRequest):
            self._asked[event.reply, event.clause] = event.at
        elif isinstance(event, TtsAudio) and event.pcm:
            asked = self._asked.pop((event.reply, event.clause), None)
            if asked is not None:
                self.clauses.append((event.at - asked) / 1e6)
        elif isinstance(event, TurnFinished):
            self.reasons[event.reason] += 1
            if event.latency is not None:
                self.latencies.append(event.latency)


async def converse(settings: Settings, turns: int) -> Watch:
    """Ask `turns` questions, each when the answer before is over."""
    spoken, watch = voices(settings), Watch()
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        pipe = Path(folder) / "voice"
        os.mkfifo(pipe)
        audio = settings.audio.model_copy(update={"input": str(pipe), "output": "null", "exit_at_end": True})
        memory = settings.memory.model_copy(update={"folder": Path(folder) / "memory"})
        questions = [Question(text) for text, _ in zip(itertools.cycle(QUESTIONS), range(turns), strict=False)]
        person = Person(questions, spoken.__getitem__)
        journal = settings.journal.model_copy(update={"folder": Path(folder) / "sessions"})
        assistant = Assistant(settings.model_copy(update={"audio": audio, "memory": memory, "journal": journal}))
        assistant.bus.tap(watch.see)
        assistant.bus.tap(person.listen)
        async with assistant:
            talking = asyncio.create_task(person.talk(pipe))
            await assistant.closed(asyncio.Event())
            talking.cancel()
    return watch


def turns(settings: Settings, count: int) -> Iterator[Figure]:
    """The ledger of `count` turns, part by part, and the first audio of clauses."""
    watch = asyncio.run(converse(settings, count))
    latencies = watch.latencies
    yield at_least("turns with a measured answer", len(latencies), "turns", count)
    for reason, times in watch.reasons.items():
        yield plain(f"turns that ended {reason}", times, "turns")
    if not latencies:
        return
    waits = [e / 1e6 for e in (settings.dialogue.min_wait_ms * 1e6, settings.dialogue.wait_ms * 1e6)]
    yield plain("baseline: shortest and usual endpoint wait asked for", waits[0], "ms")
    for part in Latency.model_fields:
        values = [getattr(latency, part) / 1e6 for latency in latencies]
        for percent in _PERCENTILES:
            yield plain(f"{part}, p{percent}", percentile(values, percent), "ms")
    rest = [sum(getattr(latency, part) for part in _OURS) / 1e6 for latency in latencies]
    yield at_most("everything but endpoint wait and engines, p99", percentile(rest, 99), "ms", 10)
    whole = max(abs(x.total - sum(getattr(x, p) for p in Latency.model_fields if p != "total")) for x in latencies)
    yield at_most("parts and whole differ by at most", whole / 1e6, "ms", 0)
    for percent in _PERCENTILES:
        value = percentile(watch.clauses, percent)
        name = f"first audio of a clause, p{percent}"
        yield at_most(name, value, "ms", 120) if percent == 99 else plain(name, value, "ms")


# ---- processes


def on_silence(home: Path) -> Terminal:
    """An assistant that hears nothing and speaks into nothing."""
    return Terminal(home, "--input", "none", "--output", "null")


def cold_start(rounds: int) -> Iterator[Figure]:
    """From the command to an assistant that hears, understands and answers; then idle CPU and memory."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import numpy, pydantic"], check=True)
    yield plain("baseline: Python with numpy and pydantic imported", time.monotonic() - began, "s")
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
            began = time.monotonic()
            with on_silence(Path(folder)) as terminal:
                terminal.ready("audio", "listening", "stt", "dialogue")
                times.append(time.monotonic() - began)
    yield at_most(f"cold start to listening on a warm disk, worst of {rounds}", max(times), "s", 1.5)


def idle(seconds: float) -> Iterator[Figure]:
    """CPU and memory of an assistant that hears silence."""
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder, on_silence(Path(folder)) as terminal:
        terminal.ready("audio", "listening", "stt", "dialogue", "skills", "tts")
        watched = psutil.Process(terminal.pid)
        time.sleep(3)
        before = watched.cpu_times()
        time.sleep(seconds)
        after = watched.cpu_times()
        spent = (after.user + after.system) - (before.user + before.system)
        yield at_most("idle CPU of one core", spent / seconds * 100, "%", 5)
        yield plain("resident memory, idle", watched.memory_info().rss / 2**20, "MiB")


# ---- the speaker's silence


class Track(threading.Thread):
    """Records a virtual device in pieces of 10 ms, with the time at which each came."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(daemon=True)
        self.rate = recording.rate
        self._recording = recording
        self._pieces: list[np.ndarray] = []
        self._start = math.inf
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.is_set():
            self._pieces.append(self._recording.read(0.01))
            # The piece that was delayed least tells best when the first sample was there.
            self._start = min(self._start, time.monotonic() - 0.01 * len(self._pieces))

    def finish(self) -> None:
        """Stop recording."""
        self._ending.set()
        self.join()

    def loud(self) -> np.ndarray:
        """The times of all samples that are no silence, on the monotonic clock."""
        return self._start + np.flatnonzero(np.abs(np.concatenate(self._pieces)) > 0.01) / self.rate

    def voiced(self) -> float:
        """The time of the first piece in which a voice sounds (most of its energy below 1 kHz), not only breath."""
        for number, piece in enumerate(self._pieces):
            power = np.square(np.abs(np.fft.rfft(piece * np.hanning(piece.size))))
            low = int(1000 * piece.size / self.rate)
            if np.abs(piece).max() > 0.01 and power[:low].sum() > power[low:].sum():
                return self._start + number * piece.size / self.rate
        return math.inf


def interrupt(pulse: PulseAudio, terminal: Terminal, spoken: Mapping[str, bytes], word: str) -> tuple[float, float]:
    """Ask for a long answer and say a word over it.

    Returns how long the speaker went on after the word's first sample above the noise, and after the first in which a
    voice sounds, in seconds.
    """
    pulse.speak_into_microphone(spoken["what can you do"], CAPTURE_RATE).wait()
    terminal.next("audio.played", until_sample=22_050)
    with pulse.recording(of="microphone") as microphone, pulse.recording() as speaker:
        said, heard = Track(microphone), Track(speaker)
        said.start()
        heard.start()
        pulse.speak_into_microphone(spoken[word], CAPTURE_RATE).wait()
        while terminal.next("turn.finished")["reason"] == "interrupted":
            pass  # the word that interrupted is a turn of its own
        time.sleep(0.3)
        said.finish()
        heard.finish()
    onset = said.loud()[0]
    loud = heard.loud()
    after = loud[loud > onset]
    gaps = np.flatnonzero(np.diff(after) > 0.25)
    silent = after[gaps[0]] if gaps.size else after[-1] if after.size else onset
    return float(silent - onset), float(silent - said.voiced())


def silences(settings: Settings, rounds: int) -> Iterator[Figure]:
    """Through virtual sound devices: from the onset of speech in the microphone to a silent speaker."""
    spoken = voices(settings)
    with (
        tempfile.TemporaryDirectory(prefix="sotto-") as folder,
        PulseAudio(Path(folder)) as pulse,
        Terminal(Path(folder), env=pulse.env) as terminal,
    ):
        terminal.ready("audio", "listening", "stt", "dialogue", "skills", "tts")
        words = [word for word, _ in zip(itertools.cycle(WORDS), range(rounds), strict=False)]
        delays = [(word, *interrupt(pulse, terminal, spoken, word)) for word in words]
    yield plain("interruptions through virtual devices", len(delays), "times", "")
    for percent in _PERCENTILES:
        value = percentile([voiced for _, _, voiced in delays], percent) * 1e3
        name = f"onset of voice to a silent speaker, p{percent}"
        yield at_most(name, value, "ms", 150) if percent == 95 else plain(name, value, "ms")
    for word in WORDS:
        value = percentile([first for said, first, _ in delays if said == word], 95) * 1e3
        yield plain(f"from the first sound of {word!r}, breath included, p95", value, "ms")


# ---- the speaker beside other work


def gaps(settings: Settings, seconds: float) -> Iterator[Figure]:
    """How often the speaker's sound is torn while processes beside it use all the time they can get."""
    spoken = voices(settings)
    for busy in (0, 2, 4):
        with (
            tempfile.TemporaryDirectory(prefix="sotto-") as folder,
            PulseAudio(Path(folder)) as pulse,
            Terminal(Path(folder), env=pulse.env) as terminal,
        ):
            terminal.ready("audio", "listening", "stt", "dialogue", "skills", "tts")
            others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
            try:
                heard = 0.0
                while heard < seconds:
                    pulse.speak_into_microphone(spoken["what can you do"], CAPTURE_RATE).wait()
                    terminal.next("turn.finished", timeout=120)
                    ends = [e for e in terminal.of("audio.played") if e["ended"]]
                    heard = sum(e["until_sample"] / e["rate"] for e in ends)
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            torn = sum(e["value"] for e in terminal.of("metric.sample") if e["name"] == "audio.gaps")
        yield plain(f"speech beside {busy} busy processes", heard, "s")
        yield at_most(f"gaps in it, beside {busy} busy processes", torn, "gaps", 0)


def figures(full: bool, chosen: Sequence[str], count: int) -> Iterator[Figure]:
    """Everything measured."""
    settings = Settings()
    if "start" in chosen:
        yield from cold_start(10 if full else 5)
    if "idle" in chosen:
        yield from idle(60 if full else 15)
    if "turns" in chosen:
        yield from turns(settings, 4 * count if full else count)
    if "silence" in chosen:
        yield from silences(settings, 60 if full else 21)
    if "gaps" in chosen:
        yield from gaps(settings, 60 if full else 15)


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    options = parser(__doc__)
    options.add_argument(
        "--only", nargs="+", default=("start", "idle", "turns", "silence", "gaps"), help="parts to measure"
    )
    options.add_argument("--turns", type=int, default=50, help="questions to ask (four times as many with --full)")
    arguments = options.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a warm disk holds what Python has compiled
    configure("error")
    return report(figures(arguments.full, arguments.only, arguments.turns), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
