"""The places of a context: extended together or alone, stopped within a step, saved and put back, bit for bit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from services.llm.engines.abort import AbortFlag
from services.llm.engines.library import library
from services.llm.engines.pool import Aborted, Extension, Place, Pool, common
from services.llm.engines.weights import Weights
from tests.kit import gguf_models

Make = Callable[..., Pool]

TEXT = [7 * i % 256 for i in range(100)]


@pytest.fixture
def make() -> Iterator[Make]:
    """Return a function that opens a file as a pool of places."""
    opened: list[tuple[Pool, Weights]] = []

    def pool(path: Path, chunk: int = 16, sequences: int = 1) -> Pool:
        weights = Weights(library(), path, gpu_layers=0, wanted=lambda: True)
        pool = Pool(library(), weights, context_tokens=4096, sequences=sequences, threads=1, chunk=chunk)
        opened.append((pool, weights))
        return pool

    yield pool
    for pool_, weights in opened:
        pool_.close()
        weights.close()


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight layers in Q8_0: large enough that batching and chunking change bits, which a tiny float model hides."""
    return gguf_models.write_exact(tmp_path_factory.mktemp("gguf") / "exact.gguf")


def read(pool: Pool, place: Place, tokens: list[int]) -> bytes:
    """Evaluate the tokens a chunk a step, the place alone; returns the bits of the scores after the last one."""
    rows = [0]
    for start in range(0, len(tokens), pool.chunk):
        rows = pool.step([Extension(place, tokens[start : start + pool.chunk], speaks=True)], AbortFlag())
    return pool.scores(rows[0])


def test_only_the_end_that_differs_is_evaluated(make: Make, random_model: Path) -> None:
    pool = make(random_model)
    [place] = pool.places
    read(pool, place, [1, 2, 3, 4])
    assert pool.keep(place, common([1, 2, 9, 9], place.tokens)) == 2
    again = read(pool, place, [9, 9])
    fresh = make(random_model)
    assert np.allclose(
        np.frombuffer(again, np.float32), np.frombuffer(read(fresh, fresh.places[0], [1, 2, 9, 9]), np.float32), 1e-3
    )


def test_places_do_not_see_each_other(make: Make, quantised: Path) -> None:
    alone = make(quantised, sequences=4)
    expected = read(alone, alone.places[2], TEXT)
    beside = make(quantised, sequences=4)
    for place in (beside.places[0], beside.places[3]):
        read(beside, place, [place.index + i for i in range(50)])
    assert read(beside, beside.places[2], TEXT) == expected
    single = make(quantised, sequences=1)
    assert read(single, single.places[0], TEXT) == expected


def test_whole_chunks_alone_are_exact_and_nothing_else_is(make: Make, quantised: Path) -> None:
    pool = make(quantised, sequences=2)
    first, second = pool.places
    read(pool, first, TEXT)
    assert first.exact == 96, "the last four tokens are no whole chunk"
    pool.keep(first, 50)
    assert first.exact == 48
    pool.step([Extension(first, TEXT[50:62], speaks=False), Extension(second, TEXT[:4], speaks=False)], AbortFlag())
    assert (first.exact, second.exact, len(second.tokens)) == (48, 0, 4)


def test_going_on_from_a_whole_chunk_gives_the_same_bits(make: Make, quantised: Path) -> None:
    pool = make(quantised)
    [place] = pool.places
    expected = read(pool, place, TEXT)
    pool.keep(place, 64)
    assert read(pool, place, TEXT[64:]) == expected


def test_a_saved_state_goes_on_in_another_place_with_the_same_bits(make: Make, quantised: Path) -> None:
    pool = make(quantised, sequences=3)
    read(pool, pool.places[0], TEXT[:80])
    saved = pool.save(pool.places[0])
    expected = read(pool, pool.places[0], TEXT[80:])
    other = make(quantised, sequences=3)
    read(other, other.places[1], [5, 6, 7])
    assert other.restore(other.places[1], saved)
    assert (other.places[1].tokens, other.places[1].exact) == (TEXT[:80], 80)
    assert read(other, other.places[1], TEXT[80:]) == expected


def test_a_state_of_another_model_is_refused_and_the_place_is_empty(
    make: Make, random_model: Path, quantised: Path
) -> None:
    pool = make(random_model)
    read(pool, pool.places[0], TEXT)
    other = make(quantised)
    read(other, other.places[0], TEXT)
    assert not other.restore(other.places[0], pool.save(pool.places[0]))
    assert other.places[0].tokens == []
    assert read(other, other.places[0], TEXT) == read(make(quantised), Place(0), TEXT)


def test_a_raised_flag_refuses_the_next_step(make: Make, random_model: Path) -> None:
    pool, flag = make(random_model), AbortFlag()
    [place] = pool.places
    pool.step([Extension(place, [1, 2, 3], speaks=True)], flag)
    flag.raise_()
    with pytest.raises(Aborted):
        pool.step([Extension(place, [4], speaks=True)], flag)
    assert place.tokens == [1, 2, 3]


def test_a_flag_raised_within_a_step_ends_that_step(make: Make, tmp_path: Path) -> None:
    """llama.cpp is inside one long step when the flag goes up: the step ends unfinished, without the interpreter, and
    the place goes on as if it had never begun."""
    path = gguf_models.write_random(tmp_path / "wide.gguf", gguf_models.Shape(width=512, hidden=1024, layers=6))
    pool, flag = make(path, 2048), AbortFlag()
    [place] = pool.places
    inside, native = threading.Event(), library().native

    def decode(*arguments: object) -> int:
        inside.set()
        status: int = native.llama_decode(*arguments)
        return status

    pool.native = SimpleNamespace(**{**vars(native), "llama_decode": decode})  # type: ignore[assignment]
    prompt = [i % 256 for i in range(2048)]
    with ThreadPoolExecutor(1) as thread:
        step = thread.submit(pool.step, [Extension(place, prompt, speaks=True)], flag)
        inside.wait(10)
        flag.raise_()
        with pytest.raises(Aborted):
            step.result(30)
    pool.native = native
    pool.keep(place, 0)
    fresh = make(path, 2048)
    assert read(pool, place, prompt[:64]) == read(fresh, fresh.places[0], prompt[:64])


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2, 3], [1, 2, 4], 2), ([2], [1], 0), ([1] * 9, [1] * 5, 5)],
)
def test_the_beginning_that_two_prompts_share(first: list[int], second: list[int], shared: int) -> None:
    assert common(first, second) == shared == common(second, first)
