"""The sequence of evaluated tokens: shared with the next prompt, and stopped in the middle of a step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.llm.engines.abort import AbortFlag
from services.llm.engines.library import library
from services.llm.engines.sequence import Aborted, Sampling, TokenSequence
from services.llm.engines.weights import Weights
from tests.kit import gguf_models

Make = Callable[[Path, int], TokenSequence]


@pytest.fixture
def make() -> Iterator[Make]:
    """Return a function that opens a file as a sequence that evaluates `chunk` tokens a step."""
    opened: list[tuple[TokenSequence, Weights]] = []

    def sequence(path: Path, chunk: int) -> TokenSequence:
        weights = Weights(library(), path, gpu_layers=0, wanted=lambda: True)
        sequence = TokenSequence(library(), weights, context_tokens=4096, threads=1, prefill_chunk=chunk)
        opened.append((sequence, weights))
        return sequence

    yield sequence
    for sequence_, weights in opened:
        sequence_.close()
        weights.close()


def likeliest(sequence: TokenSequence) -> int:
    sampling = Sampling(library(), temperature=0, top_k=0, top_p=1, seed=0)
    try:
        return sequence.draw(sampling)
    finally:
        sampling.close()


def test_only_the_end_that_differs_is_evaluated(make: Make, random_model: Path) -> None:
    sequence = make(random_model, 64)
    assert sequence.keep([1, 2, 3, 4]) == 0
    sequence.evaluate([1, 2, 3, 4])
    assert sequence.keep([1, 2, 9, 9]) == 2
    sequence.evaluate([9, 9])
    fresh = make(random_model, 64)
    fresh.evaluate([1, 2, 9, 9])
    assert likeliest(sequence) == likeliest(fresh)


def test_the_last_token_of_a_known_prompt_is_evaluated_again(make: Make, random_model: Path) -> None:
    """The next token is drawn from its logits, which an earlier prompt's end may have replaced."""
    sequence = make(random_model, 64)
    sequence.evaluate([1, 2, 3, 4, 5])
    assert sequence.keep([1, 2, 3]) == 2


def test_a_raised_flag_refuses_the_next_step(make: Make, random_model: Path) -> None:
    sequence, flag = make(random_model, 64), AbortFlag()
    sequence.obey(flag)
    sequence.evaluate([1, 2, 3])
    flag.raise_()
    with pytest.raises(Aborted):
        sequence.evaluate([4])
    assert sequence.keep([1, 2, 3, 4, 5]) == 3


def test_a_flag_raised_within_a_step_ends_that_step(make: Make, tmp_path: Path) -> None:
    """llama.cpp is inside one long step when the flag goes up: the step ends unfinished, without the interpreter, and
    the sequence goes on as if it had never begun."""
    path = gguf_models.write_random(tmp_path / "wide.gguf", gguf_models.Shape(width=512, hidden=1024, layers=6))
    sequence, flag = make(path, 2048), AbortFlag()
    sequence.obey(flag)
    inside, native = threading.Event(), library().native

    def decode(*arguments: object) -> int:
        inside.set()
        status: int = native.llama_decode(*arguments)
        return status

    sequence._native = SimpleNamespace(**{**vars(native), "llama_decode": decode})
    prompt = [i % 256 for i in range(2048)]
    with ThreadPoolExecutor(1) as thread:
        step = thread.submit(sequence.evaluate, prompt)
        inside.wait(10)
        flag.raise_()
        with pytest.raises(Aborted):
            step.result(30)
    sequence.obey(AbortFlag())
    known = sequence.keep(prompt[:64])
    sequence.evaluate(prompt[known:64])
    fresh = make(path, 2048)
    fresh.evaluate(prompt[:64])
    assert likeliest(sequence) == likeliest(fresh)
