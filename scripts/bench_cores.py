"""What recognition loses to the language model beside it: with as many threads as there are cores, both want them all.

Speech is recognised by the built-in engine while nothing else is computed; beside eight answers in the background that
go on regardless; beside eight that stand still while somebody speaks, as the service has them do; and while the model
reads ahead what it will probably be asked. Rounds alternate between the four. `--data` names a folder of recordings
with a `manifest.tsv` (set, file, text, label), of which the sentences read aloud are taken; without it commands are
spoken by a synthetic voice. The model's weights are random.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_most, parser, plain, report
from scripts.llm_asked import PROMPT, STAMP, installed, wish
from scripts.make_test_models import exact
from scripts.spoken_commands import VOICES, sayable, spoken
from scripts.stt_recordings import Folder
from services.llm import Answer, LlmSettings
from services.llm.engines.llama import LlamaEngine
from services.llm.engines.llama_model import LlamaModel
from services.stt import SttSettings
from services.stt.engines import ENGINES
from services.stt.transcribe import transcribe
from shared.clock import SystemClock
from shared.events import LlmPrepare, Message
from shared.logs import configure
from shared.pcm import CAPTURE_RATE, Floats

STREAMS = 8
CONTEXT = 8192
LONG = Message(role="user", content=PROMPT * 300)
IDLE, REGARDLESS, YIELDING, AHEAD = "idle", "do not yield", "yield", "ahead"


def sounds(folder: Path | None, count: int) -> list[Floats]:
    """So many utterances."""
    if folder is None:
        return [spoken(text, VOICES[0]) for text in sayable()[:count]]
    return [recording.sound for recording in Folder(folder, full=True).recordings("dictation")][:count]


class Scene:
    """Speech, and a model with answers under way in the background."""

    def __init__(self, engine: LlamaEngine, model: LlamaModel) -> None:
        self._engine = engine
        self._model = model
        self._recogniser = ENGINES["pocketsphinx"](SttSettings(), None)
        self._answers: list[tuple[Answer, AsyncIterator[str]]] = []

    async def recognise(self, sound: Floats, how: str) -> float:
        """Seconds it took, with the model doing that beside it."""
        if how in (REGARDLESS, YIELDING):
            await self._begin()
        if how in (YIELDING, AHEAD):
            self._engine.cores.take("bench")
        ahead = self._read_ahead() if how == AHEAD else None
        began = time.perf_counter()
        await asyncio.to_thread(transcribe, self._recogniser, sound)
        took = time.perf_counter() - began
        if ahead is not None:
            ahead.cancel()
            await ahead.outcome()
        self._engine.cores.release("bench")
        await self._end()
        return took

    async def _begin(self) -> None:
        """Have eight answers speak, and wait until each does."""
        for number in range(STREAMS):
            answer = self._model.answer(wish(f"b{number} {PROMPT}", CONTEXT - 200, priority="background"))
            self._answers.append((answer, aiter(answer)))  # letting go of the iterator would cancel the answer
        await asyncio.gather(*(anext(pieces) for _, pieces in self._answers))

    async def _end(self) -> None:
        for answer, _ in self._answers:
            answer.cancel()
        for answer, _ in self._answers:
            await answer.outcome()
        self._answers.clear()

    def _read_ahead(self) -> Answer:
        return self._model.prepare(STAMP(LlmPrepare, turn=1, messages=(LONG,), tools=(), max_tokens=10))


async def factors(path: Path, heard: Sequence[Floats], threads: int) -> dict[str, list[float]]:
    """For each way, the real-time factors of the utterances."""
    settings = LlmSettings(
        threads=threads, sequences=STREAMS, context_tokens=CONTEXT, waiting=64, prefix_cache_mb=0, prefix_disk_mb=0
    )
    engine = LlamaEngine()
    model = await engine.open(installed(path), settings, SystemClock())
    scene = await asyncio.to_thread(Scene, engine, model)
    found: dict[str, list[float]] = {how: [] for how in (IDLE, REGARDLESS, YIELDING, AHEAD)}
    await scene.recognise(heard[0], IDLE)
    for sound in heard:
        for how, each in found.items():
            each.append(await scene.recognise(sound, how) / (len(sound) / CAPTURE_RATE))
    await model.close()
    return found


def measured(folder: Path | None, count: int) -> Iterator[Figure]:
    """All of it."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="sotto-") as models:
        heard = sounds(folder, count)
        found = asyncio.run(factors(exact(Path(models), "q8_0"), heard, threads))
    yield plain("threads of the model", threads, "")
    yield plain("speech", sum(map(len, heard)) / CAPTURE_RATE, "s")
    yield plain("recognition, idle, real-time factor, p50", statistics.median(found[IDLE]), "s/s")

    def to_idle(how: str, of: Callable[[list[float]], float]) -> float:
        return of([with_it / alone for with_it, alone in zip(found[how], found[IDLE], strict=True)])

    for name, of in (("p50", statistics.median), ("mean", statistics.fmean)):
        yield plain(f"beside eight answers that do not yield, to idle, {name}", to_idle(REGARDLESS, of), "x")
        yield at_most(f"beside eight answers that yield, to idle, {name}", to_idle(YIELDING, of), "x", 1.3)
        yield at_most(f"while the model reads ahead, to idle, {name}", to_idle(AHEAD, of), "x", 1.3)


def main() -> int:
    """Print the table, or JSON lines; exit status 1 when a goal was missed."""
    given = parser(__doc__)
    given.add_argument("--data", type=Path, help="folder with manifest.tsv")
    options = given.parse_args()
    configure("warning", "console")
    return report(measured(options.data, 20 if options.full else 4), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
