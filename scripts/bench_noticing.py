"""What the installed chat model finds in what is said in passing, and what it keeps of a conversation in its summary.

Memory asks the model for facts after a turn, and for notes when a conversation grows long; here it is asked the same,
over the bus, about sentences and a conversation written by hand. `--builtin` asks the small model of our own. Whatever
the model makes up is thrown away before it is kept, so that false facts can only be true words that are worth nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog

from bus import Bus
from scripts.bench_memory import START, finished
from scripts.figures import Figure, at_least, at_most, parser, plain, report
from services.app import Settings, shelf
from services.llm import LlmService
from services.llm.engines.llama import LlamaEngine
from services.memory import MemoryService, MemorySettings
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.config import load
from shared.events import (
    LlmFailed,
    LlmResponse,
    MemoryNoted,
    MemoryQuery,
    MemoryResult,
    SessionResume,
    SessionResumed,
    SessionSummarised,
)
from shared.ids import id_source

PASSING: tuple[tuple[str, str], ...] = (
    ("by the way my sister Anna moved to Lyon, what is there to see?", "Anna"),
    ("I work as a nurse at night, how can I sleep better during the day?", "nurse"),
    ("we have two cats, which plants are dangerous for them?", "cats"),
    ("my son is allergic to peanuts, what can I bake for his party?", "peanuts"),
    ("I am training for a marathon in April, how often should I rest?", "marathon"),
    ("my wife plays the cello, what could I give her?", "cello"),
    ("our car is an old Volvo, does it need winter tyres?", "Volvo"),
    ("I have been a vegetarian for ten years, where do I get iron from?", "vegetarian"),
)
"""What is said, and a word of the fact in it."""
IDLE = (
    "can you tell me why the sky is blue?",
    "I would like to hear a joke about my favourite animal",
    "what would you cook for me tonight?",
    "how do I boil an egg so that I can peel it?",
    "tell me what you think of my question",
    "could you explain to me how rain is made?",
    "what should I read next?",
    "I wonder how far the moon is",
)
"""Sentences of one who speaks of themselves, with nothing in them that is still true in a month."""
TRIP: tuple[tuple[str, str], ...] = (
    ("we want to travel to Porto in May", "Lovely. How long will you stay?"),
    ("five days, and my daughter comes along", "Then choose an apartment near the river."),
    ("what does the train from Lisbon cost?", "About thirty euros, and it takes three hours."),
    ("book nothing yet, I have to ask my boss first", "I will not."),
    ("which museum is good for a child?", "The tram museum."),
    ("and where does one eat well?", "At the market of Bolhão."),
    ("thanks", "You are welcome."),
    ("what else should we see?", "The library of Lello."),
)
KEPT = ("Porto", "May", "daughter", "train", "museum")
"""What notes of it should name."""


@contextlib.asynccontextmanager
async def conversing(llm: LlmService, **settings: object) -> AsyncIterator[Bench]:
    """Memory beside the model."""
    bus, clock = Bus(ids=id_source("bus-")), ManualClock(START)
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        given = MemorySettings.model_validate({"folder": folder, "vectors": False, **settings})
        async with running(llm, bus=bus), running(MemoryService(given), bus=bus, clock=clock) as bench:
            yield bench


async def noticed(llm: LlmService) -> AsyncIterator[Figure]:
    """Say it all in passing, and look at what was kept of each."""
    said = [*(text for text, _ in PASSING), *IDLE]
    async with conversing(llm, conversations=False) as bench:
        for turn, text in enumerate(said, 1):
            finished(bench, turn, text, "I see.")
            answer = await bench.next(LlmResponse, LlmFailed, timeout=300)
            if isinstance(answer, LlmFailed):
                raise SystemExit(answer.message)
            bench.publish(MemoryQuery, text="", purpose="facts", limit=100)
            await bench.next(MemoryResult, timeout=60)
        noted = [event for event in bench.log if isinstance(event, MemoryNoted)]
        texts = [item.text for event in noted for item in event.items]
    right = sum(any(word in text for text in texts) for _, word in PASSING)
    wrong = sum(not any(word in text for _, word in PASSING) for text in texts)
    yield at_least(f"facts found of {len(PASSING)} said in passing", right / len(PASSING), "", 0.5)
    yield at_most(f"sentences without one that were kept, of {len(IDLE)}", wrong, "", 1)


async def summed_up(llm: LlmService) -> AsyncIterator[Figure]:
    """Have a conversation until it is summed up."""
    async with conversing(llm, notice=False, turns=False, summarise_turns=len(TRIP), keep_told_turns=2) as bench:
        for turn, (asked, heard) in enumerate(TRIP, 1):
            finished(bench, turn, asked, heard)
        answer = await bench.next(LlmResponse, LlmFailed, timeout=300)
        if isinstance(answer, LlmFailed):
            raise SystemExit(answer.message)
        bench.publish(SessionResume, session="later", turn=0, name="last", begin=False)
        resumed = await bench.next(SessionResumed, timeout=60)
        summaries = [event.summary.text for event in bench.log if isinstance(event, SessionSummarised)]
    text = resumed.summary.text if resumed.summary else "".join(summaries)
    print(f"summary: {text or 'none'}", file=sys.stderr)
    yield plain("words of the summary", len(text.split()), "")
    yield at_least(f"of {len(KEPT)} things that it should name", sum(word in text for word in KEPT), "", 4)


def figures(*, builtin: bool) -> Iterator[Figure]:
    """All of them, as they come."""
    flags = {"llm.builtin": True} if builtin else {}
    settings = load(Settings, flags=flags, environ=os.environ, file=None).settings

    async def all_of(source: AsyncIterator[Figure]) -> list[Figure]:
        return [figure async for figure in source]

    for part in (noticed, summed_up):
        yield from asyncio.run(all_of(part(LlmService(settings.llm, shelf(settings), LlamaEngine()))))


def main() -> int:
    """Run it all."""
    known = parser(__doc__)
    known.add_argument("--builtin", action="store_true", help="ask the small model of our own")
    options = known.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return report(figures(builtin=options.builtin), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
