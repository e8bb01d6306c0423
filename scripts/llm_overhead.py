"""What the language model's engine adds to a token, beside the bare loop over llama.cpp's C functions.

Yields figures for `bench_llm.py`.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.figures import Figure, at_most, plain
from scripts.llm_asked import PROMPT, opened, wish
from services.llm.engines import llama_model
from services.llm.engines.abort import AbortFlag
from services.llm.engines.generation import Generation
from services.llm.engines.library import library
from services.llm.engines.pool import Extension, Pool
from services.llm.engines.weights import Weights
from tests.kit import gguf_models

__all__ = ["per_token"]

WINDOW = 512
"""Tokens over which a cost per token is taken."""
PIECE = 8


def bare(path: Path, prompt: list[int], tokens: int) -> list[float]:
    """The moments at which the bare loop had drawn each token."""
    native = library().native
    weights = Weights(library(), path, gpu_layers=0, wanted=lambda: True)
    pool = Pool(library(), weights, context_tokens=8448, sequences=1, threads=1, chunk=256)
    chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
    native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
    pool.step([Extension(pool.places[0], prompt, speaks=True)], AbortFlag())
    array = (ctypes.c_int32 * 1)()
    batch = native.llama_batch_get_one(array, 1)
    moments = []
    for _ in range(tokens):
        array[0] = native.llama_sampler_sample(chain, pool.context, -1)
        native.llama_decode(pool.context, batch)
        moments.append(time.perf_counter())
    native.llama_sampler_free(chain)
    pool.close()
    weights.close()
    return moments


class _Timed(Generation):
    """Notes when the engine had handed over each token of text."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.moments: list[float] = []

    def write(self, text: str) -> None:
        super().write(text)
        self.moments.append(time.perf_counter())


async def ours(path: Path, tokens: int) -> list[float]:
    """The moments at which our engine had handed over each token, while somebody read them."""
    model = await opened(path, 1, 8448)
    answer = model.answer(wish(PROMPT, tokens))
    assert isinstance(answer, _Timed)
    async for _ in answer:
        pass
    await model.close()
    return answer.moments


def cost(moments: Sequence[float], where: int) -> float:
    """Microseconds a token at about that token: the least of pieces short enough to pass undisturbed, over a window."""
    until = min(where + WINDOW, len(moments) - PIECE - 1)
    return min(moments[i + PIECE] - moments[i] for i in range(where, until, PIECE)) / PIECE * 1e6


def per_token(folder: Path, rounds: int, full: bool) -> Iterator[Figure]:
    """What the engine adds to a token, at the beginning and far on; one layer and one head, so that attention over
    thousands of tokens does not drown it.
    """
    path = gguf_models.write_ascii(folder / "ascii.gguf", gguf_models.Shape(layers=1, heads=1, context=8448))
    far = (2048, 4096, 8192) if full else (2048,)
    places = {"the first tokens": 64} | {f"token {tokens}": tokens - WINDOW - 128 for tokens in far}
    floor = {name: float("inf") for name in places}
    reached = dict(floor)
    prompt = list(PROMPT.encode())
    setattr(llama_model, "Generation", _Timed)  # noqa: B010 (mypy would not let it be stood in for)
    for _ in range(rounds):
        one, other = bare(path, prompt, far[-1]), asyncio.run(ours(path, far[-1]))
        for name, where in places.items():
            floor[name] = min(floor[name], cost(one, where))
            reached[name] = min(reached[name], cost(other, where))
    for name in places:
        yield plain(f"baseline: bare loop, {name}", floor[name], "us")
        yield at_most(f"overhead per token, {name}", reached[name] - floor[name], "us", 30)
