"""Whether the strict mode keeps its word: the same request gives the same bits of every score, whatever happens.

Each request is asked alone, then under load in a crowd of eight (with fast ones among them), cold on a model opened
anew, from the prefix memory, from disk after opening anew, and in a pool with another number of places. What is
compared is the hash of all scores of all tokens drawn. The fast mode is printed beside it, to show that the models do
show the difference.

`--full` asks 1,000 requests of each model, which takes long; with `--resume FILE` that may be done in pieces, as
`--full --kind q8_0 --resume FILE --seconds 500`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from scripts.figures import Figure, at_most, parser, plain, report
from scripts.llm_asked import STAMP, installed
from scripts.make_test_models import exact
from services.llm import LanguageModel, LlmSettings
from services.llm.engines import llama_model
from services.llm.engines.llama import LlamaEngine
from services.llm.engines.sampling import Drawing
from shared.clock import SystemClock
from shared.events import LlmRequest
from shared.logs import configure

WORDS = (
    "the",
    "sea",
    "is",
    "wide",
    "and",
    "one",
    "of",
    "two",
    "lands",
    "has",
    "a",
    "king",
    "who",
    "asks",
    "what",
    "time",
)
SETTINGS = LlmSettings(
    threads=1, sequences=8, context_tokens=512, prefill_chunk=32, prefix_cache_mb=128, prefix_disk_mb=0
)
CROWD = 8
MODELS = ("q8_0", "q4_0", "f32")


class Witness(Drawing):
    """Draws like any other, and hashes the scores it draws from, under the request's own number."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.seen = hashlib.blake2b(digest_size=16)
        SEEN[arguments[2].id] = self.seen  # type: ignore[attr-defined]

    def draw(self, context: object, row: int) -> int:
        self.seen.update(np.ascontiguousarray(self._scores(context, row)).tobytes())
        return super().draw(context, row)


SEEN: dict[str, hashlib.blake2b] = {}


@asynccontextmanager
async def opened_model(path: Path, **changes: object) -> AsyncIterator[LanguageModel]:
    """The model, opened for this block."""
    model = await LlamaEngine().open(installed(path), SETTINGS.model_copy(update=changes), SystemClock())
    try:
        yield model
    finally:
        await model.close()


def wishes(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Requests of random words and lengths, some of which begin alike; one in eight is about where attention is
    computed otherwise for a row that is alone (256 tokens, see services/llm/engines/company.py).
    """
    chance = random.Random(seed)
    beginnings = [" ".join(chance.choices(WORDS, k=chance.randint(4, 16))) for _ in range(max(1, count // 4))]
    lengths = [chance.randint(50, 80) if i % 8 == 7 else chance.randint(1, 12) for i in range(count)]
    return [
        {
            "prompt": f"{chance.choice(beginnings)} {' '.join(chance.choices(WORDS, k=length))}",
            "max_tokens": chance.randint(2, 12),
            "temperature": chance.choice((0.0, 0.9)),
            "seed": chance.randrange(2**31),
        }
        for length in lengths
    ]


async def bits(model: LanguageModel, wish: dict[str, Any], mode: str) -> str:
    """The hash of every score that the answer was drawn from, and of its text."""
    request = STAMP(LlmRequest, turn=0, messages=(), tools=(), stop=(), mode=mode, **wish)
    answer = model.answer(request)
    text = "".join([piece async for piece in answer])
    await answer.outcome()
    return SEEN.pop(request.id).hexdigest() + text


async def crowd(model: LanguageModel, asked: Sequence[dict[str, Any]], mode: str, beside: str) -> list[str]:
    """Ask eight at a time; of every other crowd two are of the other mode, and are not looked at."""
    gate = asyncio.Semaphore(CROWD)

    async def one(index: int, wish: dict[str, Any]) -> str:
        async with gate:
            if index % 8 == 5:
                await bits(model, {**wish, "max_tokens": 3}, beside)
            return await bits(model, wish, mode)

    return list(await asyncio.gather(*(one(i, w) for i, w in enumerate(asked))))


async def differing(path: Path, asked: Sequence[dict[str, Any]], threads: int) -> AsyncIterator[tuple[str, int]]:
    """For each situation, how many answers differ in any bit from the one given alone."""
    opened = partial(opened_model, path, threads=threads)
    async with opened() as model:
        alone = [await bits(model, wish, "strict") for wish in asked]
        yield (
            "again, from its own place or the prefix memory",
            _unlike(alone, [await bits(model, wish, "strict") for wish in asked]),
        )
        yield "under load, eight at a time", _unlike(alone, await crowd(model, asked, "strict", "fast"))
    async with opened(prefix_cache_mb=0) as model:
        backwards = [await bits(model, wish, "strict") for wish in reversed(asked)]
        yield "after opening anew, in another order, without memory", _unlike(alone, backwards[::-1])
    with tempfile.TemporaryDirectory(prefix="sotto-") as kept:
        disk = {"prefix_disk_mb": 4096, "prefix_cache_mb": 0, "cache_folder": Path(kept)}
        for _ in range(2):
            async with opened(**disk) as model:
                again = [await bits(model, wish, "strict") for wish in asked]
        yield "after opening anew, from disk", _unlike(alone, again)
    async with opened(sequences=3) as model:
        yield "under load, in three places", _unlike(alone, await crowd(model, asked, "strict", "strict"))
    async with opened() as model:
        yield "fast mode under load, for comparison", _unlike(alone, await crowd(model, asked, "fast", "fast"))


def _unlike(expected: Sequence[str], found: Sequence[str]) -> int:
    return sum(a != b for a, b in zip(expected, found, strict=True))


# ---- a long comparison, in pieces


@dataclass(slots=True)
class Counts:
    """What was found on one model so far."""

    pieces: int = 0
    requests: int = 0
    differ: dict[str, int] = field(default_factory=dict)
    """Answers that differ, by situation."""


class Record:
    """The counts of all models, in a file where one is named: written after each piece, so that an interrupted
    comparison goes on where it stopped.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file is not None and file.exists() else {}
        self._counts = {name: Counts(**counts) for name, counts in kept.items()}

    def of(self, name: str) -> Counts:
        """What was found on that model."""
        return self._counts.setdefault(name, Counts())

    def add(self, name: str, requests: int, differ: Mapping[str, int]) -> None:
        """Take in a piece."""
        counts = self.of(name)
        counts.pieces += 1
        counts.requests += requests
        for situation, number in differ.items():
            counts.differ[situation] = counts.differ.get(situation, 0) + number
        if self._file is not None:
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps({name: asdict(counts) for name, counts in self._counts.items()}))
            part.replace(self._file)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is to be asked."""

    models: Sequence[str]
    pieces: int
    each: int
    """Requests of a piece."""
    threads: int
    until: float
    """When no further piece is begun, on the monotonic clock."""

    def title(self, model: str) -> str:
        """What stands before its figures."""
        return model if self.threads == 1 else f"{model} by {self.threads} threads"


async def compare(path: Path, name: str, plan: Plan, record: Record) -> None:
    """Do the pieces of a model that are not done yet, while there is time."""
    while record.of(name).pieces < plan.pieces and time.monotonic() < plan.until:
        asked = wishes(plan.each, seed=3 + record.of(name).pieces)
        found = {situation: number async for situation, number in differing(path, asked, plan.threads)}
        await asyncio.to_thread(record.add, name, len(asked), found)


def measured(plan: Plan, record: Record) -> Iterator[Figure]:
    """The differences on the models, as they come."""
    setattr(llama_model, "Drawing", Witness)  # noqa: B010 (mypy would not let a test stand in for it)
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        for model in plan.models:
            name = plan.title(model)
            asyncio.run(compare(exact(Path(folder), model), name, plan, record))
            counts = record.of(name)
            for situation, number in counts.differ.items():
                title = f"{name}, {counts.requests} requests: {situation}"
                yield (
                    plain(title, number, "differ") if "comparison" in situation else at_most(title, number, "differ", 0)
                )


def main() -> int:
    """Print the table, or JSON lines; exit status 1 when a single bit differs."""
    given = parser(__doc__)
    given.add_argument("--kind", choices=MODELS, help="only the model of this type of weights")
    given.add_argument(
        "--resume", type=Path, metavar="FILE", help="keep what was found in this file, and go on from it"
    )
    given.add_argument("--threads", type=int, default=1, help="compute with so many (default: 1)")
    given.add_argument("--seconds", type=float, default=math.inf, help="begin nothing more after so long")
    options = given.parse_args()
    configure("warning", "console")
    models = (options.kind,) if options.kind else MODELS
    pieces, each = (40, 25) if options.full else (1, 24)
    plan = Plan(models, pieces, each, options.threads, time.monotonic() + options.seconds)
    return report(measured(plan, Record(options.resume)), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
