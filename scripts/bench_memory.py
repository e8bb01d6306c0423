"""What memory finds again and how soon: a scripted month of conversations, and recall among 100,000 items.

The month is told and asked over the bus, with the embedding model that is installed; without one that knows meaning
(`sotto models pull all-minilm-l6-v2`) vectors compare spelling, and the script says so. Recall among many is measured
in a conversation whose turns are kept meanwhile, with vectors of the same size that cost nothing to compute, so that
what is left is memory's own time; `--full` takes 100,000 items, else 20,000. `--folder` keeps them there, and takes
those that are there: storing and indexing them is minutes of work, asking is seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import structlog

from bus import Bus
from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from services.app import Settings, shelf
from services.contract import Context
from services.embedding.opening import open_model
from services.embedding.service import EmbeddingService
from services.memory import MemoryService, MemorySettings
from services.memory.engines.chroma import open_chroma
from services.memory.item import Item
from services.memory.store import Store
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.config import load
from shared.events import (
    EmbedRequest,
    EmbedResult,
    Event,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    TurnFinished,
)
from shared.ids import id_source

START = 1_793_491_200_000_000_000
"""1 November 2026, in ns."""
DAY = 86_400 * 10**9

PEOPLE = ("Anna", "Boris", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jakob", "Kira", "Leo", "Mona")
KINDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("{who}'s birthday is {value}", ("when was {who} born?", "which day should I congratulate {who}?"),
     ("May 3", "June 14", "March 9", "July 21", "August 30")),
    ("{who}'s job is {value}", ("what does {who} do for a living?", "what is {who}'s profession?"),
     ("nursing", "teaching history", "repairing clocks", "flying planes", "baking bread")),
    ("{who}'s allergy is {value}", ("what must I not cook for {who}?", "which food makes {who} sick?"),
     ("peanuts", "shellfish", "gluten", "strawberries", "milk")),
    ("{who}'s car is {value}", ("what vehicle does {who} drive?", "which automobile belongs to {who}?"),
     ("a green Volvo", "an old Beetle", "a red van", "a silver Toyota", "a black jeep")),
    ("{who}'s home town is {value}", ("where did {who} grow up?", "which city is {who} from?"),
     ("Lisbon", "Oslo", "Kyoto", "Cork", "Turin")),
    ("{who}'s pet is {value}", ("what animal does {who} keep?", "which animal lives with {who}?"),
     ("a parrot", "a tabby cat", "two rabbits", "an old poodle", "a tortoise")),
    ("{who}'s favourite dish is {value}", ("what should I serve {who} for dinner?", "what does {who} love to eat?"),
     ("lasagne", "miso soup", "fish tacos", "goulash", "mushroom risotto")),
    ("{who}'s instrument is {value}", ("what kind of music does {who} make?", "what does {who} play in the band?"),
     ("the cello", "the trumpet", "the drums", "the harp", "the accordion")),
    ("{who}'s shoe size is {value}", ("which shoes would fit {who}?", "how big are {who}'s feet?"),
     ("38", "41", "43", "45", "36")),
    ("{who}'s sport is {value}", ("how does {who} keep fit?", "what training does {who} do?"),
     ("climbing", "rowing", "fencing", "judo", "long-distance running")),
    ("{who}'s doctor is {value}", ("who treats {who} when ill?", "which physician does {who} see?"),
     ("Doctor Lund", "Doctor Patel", "Doctor Romero", "Doctor Weiss", "Doctor Okoye")),
    ("{who}'s flight is {value}", ("which plane does {who} take?", "how does {who} travel by air?"),
     ("LH 430", "BA 77", "AF 1290", "KL 606", "IB 3123")),
    ("{who}'s door code is {value}", ("how do I get into {who}'s house?", "what opens {who}'s entrance?"),
     ("4512", "7788", "9034", "1276", "6650")),
    ("{who}'s school is {value}", ("where does {who} study?", "where does {who} have lessons?"),
     ("Northfield College", "the Lyceum", "Saint Mary's", "Hillcrest Academy", "the art school")),
    ("{who}'s fear is {value}", ("what scares {who}?", "what is {who} afraid of?"),
     ("spiders", "heights", "thunder", "deep water", "the dark")),
    ("{who}'s wine is {value}", ("which bottle should I bring {who}?", "what does {who} like to drink?"),
     ("Riesling", "Rioja", "Chianti", "Malbec", "Grüner Veltliner")),
    ("{who}'s holiday place is {value}", ("where does {who} go on vacation?", "where does {who} spend the summer?"),
     ("Crete", "the Azores", "Lake Como", "Brittany", "the Black Forest")),
    ("{who}'s book is {value}", ("what is {who} reading?", "which novel did {who} recommend?"),
     ("Middlemarch", "The Leopard", "Beloved", "Dune", "The Trial")),
    ("{who}'s anniversary is {value}", ("when did {who} get married?", "when was {who}'s wedding?"),
     ("October 2", "April 18", "September 5", "January 11", "February 28")),
    ("{who}'s laptop password is {value}", ("how do I log in to {who}'s computer?", "what unlocks {who}'s notebook?"),
     ("tulip-42", "osprey-7", "magnet-19", "velvet-88", "canyon-3")),
    ("{who}'s seat is {value}", ("where does {who} sit in the theatre?", "which place did {who} book?"),
     ("row 4", "the balcony", "row 12", "the box on the left", "row 20")),
    ("{who}'s medicine is {value}", ("which pills does {who} take?", "what must {who} swallow every morning?"),
     ("ibuprofen", "metformin", "levothyroxine", "lisinopril", "vitamin D")),
    ("{who}'s gym day is {value}", ("when does {who} work out?", "on which weekday is {who} exercising?"),
     ("Monday", "Tuesday", "Thursday", "Friday", "Sunday")),
    ("{who}'s phone extension is {value}", ("how do I call {who} at work?", "what do I dial for {who} at the office?"),
     ("301", "422", "518", "633", "745")),
)  # fmt: skip
CHAT = (
    ("why is the sky blue?", "Because air scatters blue light more than red."),
    ("how long do eggs take to boil?", "About eight minutes for firm ones."),
    ("tell me something about {who}'s name", "It has a long history in Europe."),
    ("what rhymes with orange?", "Hardly anything, perhaps sporange."),
    ("who painted the sunflowers?", "Vincent van Gogh did."),
    ("what could I give {who}?", "Perhaps a book, or flowers."),
    ("how far is the moon?", "About 384,000 kilometres."),
    ("what should I do this weekend?", "A walk in the forest would be nice."),
)
"""Turns that are no answer to anything that is asked later."""
CORRECTED = 0.2
SIZE = 384
_BREATH_S = 0.2
"""Between a turn's end and the next question; while an answer is spoken it is longer."""


class Cheap:
    """Vectors of the size of MiniLM's that cost nothing: a direction for each word."""

    name: ClassVar[str] = "embedding"
    consumes: ClassVar[tuple[type[Event], ...]] = (EmbedRequest,)
    fingerprint = "cheap"

    async def run(self, ctx: Context) -> None:
        """Answer for ever."""
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, EmbedRequest)
            ctx.emit(
                EmbedResult, request=event.id, model="cheap", engine="numpy", fingerprint=self.fingerprint,
                count=len(event.texts), dimensions=SIZE, tokens=0, truncated=(),
                vectors=np.stack([cheap(text) for text in event.texts]).tobytes(),
            )  # fmt: skip


_WORDS: dict[str, np.ndarray] = {}


def cheap(text: str) -> np.ndarray:
    """The sum of the words' directions, of length 1."""
    row = np.full(SIZE, 1e-6, dtype=np.float32)
    for word in text.lower().split():
        if word not in _WORDS:
            seed = list(hashlib.sha256(word.encode()).digest()[:8])
            _WORDS[word] = np.random.default_rng(seed).standard_normal(SIZE).astype(np.float32)
        row += _WORDS[word]
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


@contextlib.asynccontextmanager
async def remembering(folder: Path, embedder: object, **settings: object) -> AsyncIterator[tuple[Bench, ManualClock]]:
    """The memory service and an embedding service on one bus."""
    clock, given = ManualClock(START), MemorySettings.model_validate({"folder": folder, **settings})
    bus = Bus(clock=clock, ids=id_source("bus-"))
    async with running(embedder, bus=bus, clock=clock), running(MemoryService(given), bus=bus, clock=clock) as bench:
        yield bench, clock


def finished(bench: Bench, turn: int, asked: str, heard: str) -> None:
    """A turn that the model answered is over."""
    rest = {"reason": "answered", "by": "llm", "latency": None}
    bench.publish(TurnFinished, turn=turn, asked=asked, answered=heard, heard=heard, **rest)


def scripted(draw: random.Random) -> tuple[list[tuple[str, str, int]], list[tuple[str, str]], set[str]]:
    """What is said in the month, as (kind, text, day), what is asked after it, with the fact that answers, and which
    facts are corrected later.
    """
    said: list[tuple[str, str, int]] = []
    asked: list[tuple[str, str]] = []
    dead: set[str] = set()
    for who, (template, questions, values) in itertools.product(PEOPLE, KINDS):
        first, then = draw.sample(values, 2)
        day = draw.randrange(20)
        said.append(("fact", template.format(who=who, value=first), day))
        if draw.random() < CORRECTED:
            said.append(("fact", template.format(who=who, value=then), day + draw.randrange(1, 10)))
            dead.add(template.format(who=who, value=first))
            first = then
        answer = template.format(who=who, value=first)
        asked += [(question.format(who=who), answer) for question in questions]
    for _ in range(300):
        question, heard = draw.choice(CHAT)
        said.append(("turn", f"{question.format(who=draw.choice(PEOPLE))}\n{heard}", draw.randrange(30)))
    said.sort(key=lambda line: line[2])
    return said, asked, dead


async def month() -> AsyncIterator[Figure]:
    """Tell it all, then ask."""
    settings = load(Settings, flags={}, environ=os.environ, file=None).settings
    embedder = EmbeddingService(settings.embedding, shelf(settings), open_model)
    said, asked, dead = scripted(random.Random(7))
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        async with remembering(Path(folder), embedder, embed_wait_ms=10_000) as (bench, clock):
            for turn, (what, text, day) in enumerate(said, 1):
                clock.advance(max(0, START + day * DAY - clock.now_ns()))
                if what == "turn":
                    question, _, heard = text.partition("\n")
                    finished(bench, turn, question, heard)
                    continue
                bench.publish(MemoryStore, text=text, turn=turn, language="en")
                assert (await bench.next(MemoryStored, timeout=60)).item is not None
            bench.publish(MemoryQuery, text="everything", purpose="search")  # waits until all vectors are there
            result = await bench.next(MemoryResult, timeout=300)
            found, first, shown, stale = 0, 0, 0, 0
            for question, answer in asked:
                bench.publish(MemoryQuery, text=question, purpose="answer", limit=5, tokens=300)
                result = await bench.next(MemoryResult, timeout=60)
                texts = [item.text for item in result.items]
                found += answer in texts
                first += texts[:1] == [answer]
                shown += len(texts)
                stale += len(dead.intersection(texts))
            meaning = result.by == "meaning"
    facts = sum(what == "fact" for what, *_ in said)
    yield plain("facts told", facts, "")
    yield plain("of them corrected later", len(dead), "")
    yield plain("turns about other things", len(said) - facts, "")
    yield plain("questions asked in other words", len(asked), "")
    yield plain("the installed model knows meaning (1) or spelling (0)", int(meaning), "")
    share = found / len(asked)
    yield at_least("recall@5", share, "", 0.9) if meaning else plain("recall@5 by spelling and words", share, "")
    yield plain("recall@1", first / len(asked), "")
    yield plain("memories told for a question, mean", shown / len(asked), "")
    yield at_most("superseded facts told", stale, "", 0)


def fill(folder: Path, count: int) -> None:
    """Put items of everyday words into the store and their vectors into the index."""
    draw = random.Random(3)
    words = [f"{a}{b}" for a in ("ka", "lo", "mi", "tu", "re", "sa", "no", "vi") for b in "bcdfghjklmnpqrstvwxyz"]
    words += [f"{a}{b}" for a in words for b in ("an", "or", "ish", "um", "ex", "ola", "ine")]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    texts = [" ".join(draw.choices(words, weights, k=12)) for _ in range(count)]
    store = Store(folder / "memory.sqlite3")
    whats = itertools.cycle(("fact", "turn", "document", "turn"))
    store.restore(
        Item(id=f"i{number}", what=what, text=text, at=START - number * 10**9)  # type: ignore[arg-type]
        for number, (text, what) in enumerate(zip(texts, whats, strict=False))
    )
    vectors = open_chroma(folder / "vectors")
    vectors.begin(Cheap.fingerprint)
    for start in range(0, count, 2000):
        some = texts[start : start + 2000]
        ids = [f"i{number}" for number in range(start, start + len(some))]
        vectors.put(ids, np.stack([cheap(text) for text in some]))
    vectors.close()
    store.done(store.pending(-1))
    store.close()


async def many(count: int, rounds: int, kept: Path | None) -> AsyncIterator[Figure]:
    """Recall among many, from the query to the result on the bus, in a conversation that is kept meanwhile."""
    with contextlib.nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="sotto-") as name:
        folder = Path(name)
        if not (folder / "memory.sqlite3").exists():
            began = time.perf_counter()
            fill(folder, count)
            yield plain(f"storing and indexing {count:,} items", time.perf_counter() - began, "s")
        store = Store(folder / "memory.sqlite3")
        texts = [item.text for item, _ in zip(store.everything(), range(2000), strict=False)]
        store.close()
        draw = random.Random(5)
        async with remembering(folder, Cheap()) as (bench, _):
            bench.publish(MemoryQuery, text=texts[0], purpose="search")
            await bench.next(MemoryResult, timeout=120)
            times, at_once, by = list[float](), list[float](), 0
            for number in range(rounds):
                breath = number % 3 != 2
                if breath:
                    await asyncio.sleep(_BREATH_S)
                words = draw.choice(texts).split()
                question = " ".join(draw.sample(words, 6))
                began = time.perf_counter()
                bench.publish(MemoryQuery, text=question, purpose="answer", limit=5, tokens=300, turn=number + 1)
                result = await bench.next(MemoryResult, timeout=60)
                (times if breath else at_once).append((time.perf_counter() - began) * 1e3)
                by += breath and result.by == "meaning"
                finished(bench, number + 1, question, draw.choice(texts))
    yield plain(f"recall among {count:,}, p50", percentile(times, 50), "ms")
    yield at_most(f"recall among {count:,}, p95", percentile(times, 95), "ms", 30)
    yield plain("of them with vectors in time", by / len(times) * 100, "%")
    yield plain("asked while the turn before is being kept and indexed, p95", percentile(at_once, 95), "ms")


def figures(count: int, rounds: int, kept: Path | None) -> Iterator[Figure]:
    """All of them, as they come."""

    async def all_of(source: AsyncIterator[Figure]) -> list[Figure]:
        return [figure async for figure in source]

    yield from asyncio.run(all_of(many(count, rounds, kept)))
    yield from asyncio.run(all_of(month()))


def main() -> int:
    """Run it all."""
    known = parser(__doc__)
    known.add_argument("--folder", type=Path, help="where the many items are kept for the next time")
    options = known.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return report(figures(100_000 if options.full else 20_000, 300, options.folder), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
