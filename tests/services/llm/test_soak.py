"""A long random life: cancelled, late, broken and oversized requests among good ones, and a model that changes.

Every request gets exactly one end, and afterwards the model answers as a fresh one does. `--long` makes it ten times
as long.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.llm import LlmService, LlmSettings
from services.llm.engines.llama import LlamaEngine
from services.testing import Bench, running
from shared.events import LlmFailed, LlmResponse, ModelLoad, ModelLoaded, Structure
from tests.kit import gguf_models
from tests.services.llm.conftest import Folder, answered, ask

SETTINGS = LlmSettings(
    threads=1,
    sequences=2,
    context_tokens=256,
    prefill_chunk=16,
    waiting=6,
    prefix_cache_mb=1,
    prefix_disk_mb=0,
    cache_mb=0,
)


def anything(chance: random.Random) -> dict[str, Any]:
    """A request that may be of any kind."""
    kinds: list[dict[str, Any]] = [
        {},
        {"mode": "strict", "logprobs": 1},
        {"priority": "background", "max_tokens": 30},
        {"mode": "strict", "priority": "background"},
        {"deadline_ms": 1, "max_tokens": 200},
        {"max_tokens": 0},
        {"n": 2, "temperature": 2.0},
        {"structure": Structure(choices=("left", "right"))},
        {"structure": Structure(regex="(")},
        {"structure": Structure(regex="[ab]{1,9}"), "temperature": 3.0},
        {"temperature": -1.0},
        {"stop": ("e", "a")},
        {"messages": (), "prompt": chance.choice(["", "a\0b", "\N{SNOWMAN}" * 300, "x" * 100_000, "Once upon"])},
    ]
    return {"max_tokens": chance.randint(1, 12), "seed": chance.randrange(99), **chance.choice(kinds)}


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_request_has_one_end(tmp_path: Path, steps: int, seed: int) -> None:
    chance = random.Random(seed)
    paths = [gguf_models.write_random(tmp_path / f"{name}.gguf", seed=i) for i, name in enumerate(("one", "two"))]
    ends: Counter[str] = Counter()
    async with running(LlmService(SETTINGS, Folder(*paths), LlamaEngine())) as bench:
        await bench.next(ModelLoaded)
        for turn in range(1, steps // 10_000 + 1):
            waited = {_ask(bench, chance, turn) for _ in range(chance.randint(1, 6))}
            if chance.random() < 0.1:
                bench.publish(ModelLoad, role="llm", name=chance.choice(("one", "two")), engine="")
            if chance.random() < 0.3:
                bench.bus.fence("test", turn + 1)
                waited = set()  # those that had not begun have no end
            while waited:
                ended = await bench.next(LlmResponse, LlmFailed)
                ends[ended.request] += 1
                waited.discard(ended.request)
        bench.publish(ModelLoad, role="llm", name="one", engine="")
        await bench.next(ModelLoaded)
        last = await answered(bench, "Hi", turn=steps, mode="strict", logprobs=1)
    assert set(ends.values()) <= {1}
    async with running(LlmService(SETTINGS, Folder(*paths), LlamaEngine())) as bench:
        assert (await answered(bench, "Hi", mode="strict", logprobs=1)).logprobs == last.logprobs


def _ask(bench: Bench, chance: random.Random, turn: int) -> str:
    contents = (" ".join(chance.choices(["sea", "land", "wide", "deep"], k=chance.randint(1, 40))),)
    return ask(bench, *contents, turn=turn, **anything(chance)).id
