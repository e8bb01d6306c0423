"""A long random life of two models that share the memory of one.

Eight readers ask whichever they like, and leave when they like: answers are broken off, run out of time, are asked
for in forms that cannot be, or of texts that no context holds. Each request must have one end or a reader who left;
afterwards each model answers as at first, and the process is no larger than it was once all kinds had been seen.
`--full` asks 10,000 times.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_most, parser, plain, report
from services.app import Settings, Writer
from services.llm import LlmSettings
from services.models import ModelsSettings
from shared.errors import SottoError
from shared.events import (
    Event,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    Message,
    ModelUnloaded,
    ServiceCrashed,
    Structure,
)
from shared.gguf import read_gguf
from shared.logs import configure
from tests.kit import gguf_models

READERS = 8
NAMES = ("one", "two")
PATIENCE_S = 120
"""An answer that takes longer is lost."""

BROKEN: tuple[dict[str, Any], ...] = (
    {"temperature": -1.0},
    {"n": 99},
    {"structure": Structure(regex="(")},
    {"structure": Structure(json_schema={"type": "object", "not": {}})},
    {"model": "nobody"},
    {"model": "damaged"},
    {"messages": (Message(role="user", content="word " * 2_000_000),)},
    {"messages": (), "prompt": ""},
)
WHOLE: tuple[dict[str, Any], ...] = (
    {},
    {"mode": "strict", "logprobs": 1},
    {"priority": "background"},
    {"deadline_ms": 1, "max_tokens": 200},
    {"structure": Structure(choices=("left", "right"))},
    {"structure": Structure(regex="[ab]{1,9}"), "temperature": 3.0},
    {"messages": (), "prompt": "a\0b \N{SNOWMAN}"},
)


@dataclass(slots=True)
class Life:
    """What came of it."""

    ends: Counter[str] = field(default_factory=Counter)
    """How many ends each request had."""
    kinds: Counter[str] = field(default_factory=Counter)
    left: set[str] = field(default_factory=set)
    """Requests whose reader left before the end."""
    lost: list[str] = field(default_factory=list)
    """Requests whose reader waited in vain."""
    swaps: int = 0
    crashes: int = 0
    sizes: list[int] = field(default_factory=list)
    """Resident bytes, at every twentieth of it."""
    changed: int = 0
    """Models that answer otherwise than at first."""


async def live(folder: Path, requests: int, seed: int) -> Life:
    """Live through so many requests."""
    settings = await asyncio.to_thread(_furnished, folder)
    life = Life()
    async with Writer(settings) as writer:
        untap = writer.bus.tap(lambda event: _note(life, event))
        before = [await _steady(writer, name) for name in NAMES]
        left = iter(range(requests))
        readers = (_read(writer, life, left, requests, random.Random(seed * 100 + n)) for n in range(READERS))
        await asyncio.gather(*readers)
        after = [await _steady(writer, name) for name in NAMES]
        life.changed = sum(one != other for one, other in zip(before, after, strict=True))
        untap()
    return life


def _furnished(folder: Path) -> Settings:
    """Models in the folder, and settings under which two of them do not fit together."""
    paths = [gguf_models.write_random(folder / f"{name}.gguf", seed=i) for i, name in enumerate(("main", *NAMES))]
    (folder / "damaged.gguf").write_bytes(paths[0].read_bytes()[:-1000])
    need = sum(read_gguf(path).memory(512) for path in paths[1:])
    llm = LlmSettings(
        model="main", builtin=False, threads=1, sequences=2, context_tokens=512, waiting=4 * READERS, idle_minutes=0,
        prefix_cache_mb=1, prefix_disk_mb=0, cache_mb=0, memory_mb=max(1, int(need * 0.9) >> 20),
    )  # fmt: skip
    return Settings(llm=llm, models=ModelsSettings(folder=folder))


def _note(life: Life, event: Event) -> None:
    match event:
        case LlmResponse():
            life.ends[event.request] += 1
            life.kinds[event.finish] += 1
        case LlmFailed():
            life.ends[event.request] += 1
            life.kinds[event.reason] += 1
        case ModelUnloaded():
            life.swaps += 1
        case ServiceCrashed():
            life.crashes += 1


async def _read(writer: Writer, life: Life, left: Iterator[int], requests: int, chance: random.Random) -> None:
    for number in left:
        if number % max(1, requests // 20) == 0:
            gc.collect()
            life.sizes.append(psutil.Process().memory_info().rss)
        request = _wish(writer, chance)
        patience = chance.choice((None, None, None, 0, 1, 3))
        try:
            async with asyncio.timeout(PATIENCE_S), writer.bus.stream(request) as stream:
                async for event in stream:
                    if isinstance(event, LlmDelta) and patience is not None and event.index >= patience:
                        life.left.add(request.id)
                        break
        except TimeoutError:
            life.lost.append(request.id)
        except SottoError as error:
            life.kinds[type(error).__name__] += 1


def _wish(writer: Writer, chance: random.Random) -> LlmRequest:
    words = " ".join(chance.choices(["sea", "land", "wide", "deep"], k=chance.randint(1, 40)))
    fields: dict[str, Any] = {
        "messages": (Message(role="user", content=words),),
        "tools": (),
        "max_tokens": chance.randint(1, 12),
        "temperature": 0.0,
        "seed": chance.randrange(99),
        "stop": (),
        "model": chance.choice((*NAMES, *NAMES, "")),
        **chance.choice(BROKEN if chance.random() < 0.15 else WHOLE),
    }
    return writer.event(LlmRequest, turn=0, **fields)


async def _steady(writer: Writer, name: str) -> object:
    fields: dict[str, Any] = {"tools": (), "max_tokens": 8, "temperature": 0.0, "seed": 1, "stop": (), "logprobs": 1}
    wish = writer.event(
        LlmRequest, turn=0, messages=(Message(role="user", content="Hi"),), mode="strict", model=name, **fields
    )
    answer = await writer.bus.request(wish, PATIENCE_S)
    return answer.logprobs if isinstance(answer, LlmResponse) else answer


def figures(life: Life, requests: int, *, full: bool) -> Iterator[Figure]:
    """What there is to tell; a short life shows no leak, for it ends before everything was seen once."""
    yield plain("requests", requests, "")
    yield plain("models that changed places", life.swaps, "")
    for kind, count in life.kinds.most_common():
        yield plain(f"ended: {kind}", count, "")
    yield plain("readers who left before the end", len(life.left), "")
    yield at_most("requests with more than one end", sum(n > 1 for n in life.ends.values()), "", 0)
    yield at_most("readers who waited in vain", len(life.lost), "", 0)
    yield at_most("crashes", life.crashes, "", 0)
    yield at_most("models that answer otherwise afterwards", life.changed, "", 0)
    early = max(life.sizes[: max(1, len(life.sizes) // 2)])
    yield plain("resident memory, largest in the first half", early / 1e6, "MB")
    grown = "resident memory, end to first half", life.sizes[-1] / early, "x"
    yield at_most(*grown, 1.05) if full else plain(*grown)


def main() -> int:
    """Print the table, or JSON lines; exit status 1 when something was lost."""
    arguments = parser(__doc__)
    arguments.add_argument("--requests", type=int, default=0, help="so many instead of 500, or 10,000 with --full")
    options = arguments.parse_args()
    configure("error", "console")
    requests = options.requests or (10_000 if options.full else 500)
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        life = asyncio.run(live(Path(folder), requests, seed=1))
    return report(figures(life, requests, full=options.full), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
