"""Vectors from a script: what is nearer comes first."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sotto
from services.app import Daemon, Settings
from services.embedding.engines.lexical import LexicalEncoder
from services.embedding.port import NoEmbeddingModel, TextsUnusable
from services.embedding.settings import EmbeddingSettings
from services.llm.settings import LlmSettings
from services.local.client import connected
from services.models.settings import ModelsSettings
from sotto import aio
from tests.kit.bert_models import write_bert


def alone(texts: list[str]) -> np.ndarray:
    """What the built-in encoder says of them, whoever asks."""
    return np.frombuffer(LexicalEncoder().encode(LexicalEncoder().read(texts, "")), "<f4").reshape(len(texts), -1)


def test_texts_are_put_in_order_by_how_well_they_answer(home: Path) -> None:
    ranked = sotto.rerank("the sea is blue", ["my bike code is 4512", "a blue sea", "the sea is blue"])
    assert [text for text, _ in ranked] == ["the sea is blue", "a blue sea", "my bike code is 4512"]
    assert sotto.rerank("anything", []) == []
    assert sotto.similarity("the sea", "the sea") > sotto.similarity("the sea", "my bike")


async def test_the_same_on_an_event_loop(home: Path) -> None:
    assert np.array_equal(await aio.embed(["the sea", "a bike"]), alone(["the sea", "a bike"]))
    assert await aio.similarity("the sea", "the sea") == pytest.approx(1)
    ranked = await aio.rerank("the sea", ["a bike", "the sea"])
    assert [text for text, _ in ranked] == ["the sea", "a bike"]


def test_a_script_that_embeds_ends_without_a_word(home: Path) -> None:
    script = "import sotto; print(sotto.embed(['a'], model='lexical').shape, len(sotto.rerank('a', ['b'])))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("(1, 512) 1\n", "", 0)


def test_what_cannot_be_done_says_what_to_do(home: Path) -> None:
    with pytest.raises(sotto.SottoError, match="nobody"):
        sotto.embed(["x"], model="nobody")
    with pytest.raises(sotto.SottoError, match="dimensions"):
        sotto.embed(["x"], dimensions=10_000)
    with pytest.raises(sotto.SottoError, match="nobody"):
        sotto.rerank("x", ["y"], model="nobody")


@pytest.mark.parametrize(
    ("texts", "rest", "said"),
    [
        ("my bike", {}, "not a list"),
        (b"my bike", {}, "not a list"),
        (7, {}, "not a list"),
        (["x", None], {}, "type NoneType"),
        (["x"], {"purpose": "question"}, "no purpose"),
        (["x"], {"dimensions": -1}, "-1 dimensions"),
        (["x"], {"dimensions": 1.5}, "1.5 dimensions"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(home: Path, texts: Any, rest: dict[str, Any], said: str) -> None:
    """One text would be read letter by letter."""
    with pytest.raises(TextsUnusable, match=said):
        sotto.embed(texts, **rest)
    if not rest:
        with pytest.raises(TextsUnusable, match=said):
            sotto.rerank("x", texts)
    with pytest.raises(TextsUnusable, match="type int"):
        sotto.rerank(7, ["x"])  # type: ignore[arg-type]


async def test_a_sotto_that_runs_answers(home: Path, tmp_path: Path) -> None:
    """With its own models: here a cross-encoder that this process would not find."""
    theirs = tmp_path / "theirs"
    write_bert(theirs / "rerank" / "small-cross", ranks=True)
    embedding = EmbeddingSettings(engine="numpy", threads=1, cache_file=tmp_path / "vectors.sqlite")
    settings = Settings(models=ModelsSettings(folder=theirs), embedding=embedding, llm=LlmSettings(builtin=False))
    daemon, stop = Daemon(settings), asyncio.Event()
    here = await aio.rerank("a cat", ["the dog", "a cat"])
    running = asyncio.create_task(daemon.supervisor.run(stop))
    async with asyncio.timeout(60):
        while True:
            async with connected() as connection:
                if connection is not None:
                    break
            await asyncio.sleep(0)
    try:
        assert (await aio.embed(["my bike", "my bikes"], dimensions=100)).shape == (2, 100)
        assert np.array_equal(await aio.embed(["my bike"]), alone(["my bike"]))
        there = await aio.rerank("a cat", ["the dog", "a cat"])
        assert {text for text, _ in there} == {text for text, _ in here}
        assert dict(there) != dict(here)
        with pytest.raises(NoEmbeddingModel, match="nobody"):
            await aio.embed(["x"], model="nobody")
        with pytest.raises(TextsUnusable):
            await aio.embed(["x"], dimensions=10_000)
    finally:
        stop.set()
        await running
    assert await aio.rerank("a cat", ["the dog", "a cat"]) == here
