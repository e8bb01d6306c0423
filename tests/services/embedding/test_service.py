"""The embedding service answers over the bus, with the built-in encoder when there is no model."""

from __future__ import annotations

import numpy as np

from services.embedding.settings import EmbeddingSettings
from shared.events import (
    EmbedFailed,
    EmbedRequest,
    EmbedResult,
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    RerankRequest,
    RerankResult,
)
from tests.services.embedding.conftest import serving


async def test_texts_come_back_as_vectors_in_their_order(settings: EmbeddingSettings) -> None:
    """Of length 1, with who made them and the request they answer."""
    async with serving(settings) as bench:
        asked = bench.publish(EmbedRequest, texts=("the blue bike", "a bike of blue", "tax forms"), purpose="passage")
        result = await bench.next(EmbedResult)
    rows = np.frombuffer(result.vectors, "<f4").reshape(result.count, result.dimensions)
    assert (result.request, result.cause, result.engine, result.model) == (asked.id, asked.id, "lexical", "lexical")
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert result.fingerprint


async def test_fewer_dimensions_are_the_first_ones_made_whole_again(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("the blue bike",))
        whole = np.frombuffer((await bench.next(EmbedResult)).vectors, "<f4")
        bench.publish(EmbedRequest, texts=("the blue bike",), dimensions=64)
        short = await bench.next(EmbedResult)
    row = np.frombuffer(short.vectors, "<f4")
    assert short.dimensions == len(row) == 64
    assert np.allclose(row, whole[:64] / np.linalg.norm(whole[:64]), atol=1e-6)


async def test_no_texts_have_no_vectors(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=())
        result = await bench.next(EmbedResult)
    assert (result.count, result.vectors) == (0, b"")


async def test_more_dimensions_than_there_are_is_a_failure_that_says_so(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("a",), dimensions=100_000)
        failed = await bench.next(EmbedFailed)
    assert (failed.reason, failed.retry_ms) == ("invalid", 0)
    assert "512 dimensions" in failed.message


async def test_a_model_that_is_not_there_is_named_with_how_to_get_it(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("a",), model="nobody")
        failed = await bench.next(EmbedFailed)
    assert failed.reason == "no-model"
    assert "sotto models pull nobody" in failed.message


async def test_a_text_that_was_cut_is_named_by_its_place(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(EmbedRequest, texts=("short", "word " * 5000))
        assert (await bench.next(EmbedResult)).truncated == (1,)


async def test_texts_are_scored_against_a_query(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(RerankRequest, query="bike code", texts=("the weather", "my bike code is 4512"))
        result = await bench.next(RerankResult)
    assert result.method == "cosine"
    assert result.scores[1] > result.scores[0]


async def test_a_wish_for_a_model_that_is_not_there_keeps_the_one_in_use(settings: EmbeddingSettings) -> None:
    async with serving(settings) as bench:
        bench.publish(ModelLoad, role="embedding", name="nobody", engine="")
        assert "nobody" in (await bench.next(ModelFailed)).message
        assert (await bench.next(ModelLoaded)).name == "lexical"
