"""A cross-encoder ranks where there is one, by any engine the same; else the cosine of vectors does, and it is said."""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedding.checking import converted_and_checked
from services.embedding.convert import convert
from services.embedding.direct import DirectRanker
from services.embedding.engines.cross import CrossEncoder
from services.embedding.engines.native import Kernel, NativeEncoder
from services.embedding.engines.reference import ReferenceEncoder
from services.embedding.opening import open_model, open_ranker
from services.embedding.port import ModelUnusable
from services.embedding.ranking import COSINE, Rankers, chances
from services.embedding.service import EmbeddingService
from services.embedding.settings import EmbeddingSettings
from services.embedding.weights import Weights
from services.models import Store
from services.models.settings import ModelsSettings
from services.testing import Bench, running
from shared.events import EmbedFailed, ModelLoaded, RerankRequest, RerankResult
from tests.kit.bert_models import write_bert

TEXTS = ("the cat", "", "my bike code is red", "the cat", "tea " * 300, "😀 \0 \ud800")
QUERY = "a cat is blue?"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with an encoder and a cross-encoder."""
    folder = tmp_path_factory.mktemp("models")
    write_bert(folder / "embedding" / "small-bert")
    write_bert(folder / "rerank" / "small-cross", ranks=True, seed=4)
    return folder


@contextlib.asynccontextmanager
async def serving(settings: EmbeddingSettings, models: Path) -> AsyncIterator[Bench]:
    store = Store(ModelsSettings(folder=models))
    async with running(EmbeddingService(settings, store, open_model, None, open_ranker)) as bench:
        assert (await bench.next(ModelLoaded)).name == "small-bert"
        yield bench


@pytest.mark.usefixtures("own_kernel")
async def test_a_cross_encoder_ranks_where_there_is_one(settings: EmbeddingSettings, models: Path) -> None:
    async with serving(settings, models) as bench:
        bench.publish(RerankRequest, query=QUERY, texts=TEXTS)
        ranked = await bench.next(RerankResult)
        assert (ranked.model, ranked.method, len(ranked.scores)) == ("small-cross", "cross-encoder", len(TEXTS))
        assert ranked.scores[0] == ranked.scores[3] != ranked.scores[2]
        for model, said in (("cosine", "small-bert"), ("small-bert", "small-bert"), ("lexical", "lexical")):
            bench.publish(RerankRequest, query=QUERY, texts=TEXTS, model=model)
            compared = await bench.next(RerankResult)
            assert (compared.model, compared.method) == (said, "cosine")
        bench.publish(RerankRequest, query=QUERY, texts=(), model="small-cross")
        assert (await bench.next(RerankResult)).scores == ()
        bench.publish(RerankRequest, query=QUERY, texts=TEXTS, model="nobody")
        assert (await bench.next(EmbedFailed)).reason == "no-model"


@pytest.mark.usefixtures("own_kernel")
async def test_the_settings_may_want_vectors_compared(settings: EmbeddingSettings, models: Path) -> None:
    async with serving(settings.model_copy(update={"rerank": "cosine"}), models) as bench:
        bench.publish(RerankRequest, query=QUERY, texts=TEXTS)
        assert (await bench.next(RerankResult)).method == "cosine"


@pytest.mark.usefixtures("own_kernel")
async def test_a_name_that_is_no_reranker_is_not_kept(settings: EmbeddingSettings, models: Path) -> None:
    """One that comes later is found, and names that clients make up cost nothing."""
    rankers = Rankers(settings, Store(ModelsSettings(folder=models)), open_ranker)
    found = await rankers.get("")
    assert found is not None
    assert [await rankers.get(name) for name in ("nobody", "small-bert", COSINE)] == [None] * 3
    assert await rankers.get("late") is None
    write_bert(models / "rerank" / "late", ranks=True, seed=5)
    try:
        assert await rankers.get("late") is not None
    finally:
        rankers.close()
        shutil.rmtree(models / "rerank" / "late")


@pytest.fixture(scope="module")
def cross(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    """The cross-encoder's weights, packed and exact."""
    folder = tmp_path_factory.mktemp("cross")
    convert(models / "rerank" / "small-cross", folder / "packed")
    convert(models / "rerank" / "small-cross", folder / "exact", "fp32")
    return {name: Weights(folder / name) for name in ("packed", "exact")}


def test_every_engine_says_the_same(cross: dict[str, Weights], kernel: Kernel) -> None:
    exact = CrossEncoder(ReferenceEncoder(cross["exact"]), cross["exact"])
    pairs = exact.pairs(QUERY, TEXTS)
    expected = np.frombuffer(exact.encode(pairs), "<f4")
    for level in kernel.levels:
        native = CrossEncoder(NativeEncoder(cross["packed"], kernel=kernel, level=level), cross["packed"])
        assert native.pairs(QUERY, TEXTS) == pairs
        assert np.frombuffer(native.encode(pairs), "<f4") == pytest.approx(expected, abs=0.03)
        assert native.encode(pairs) == b"".join(native.encode([pair]) for pair in pairs)


def test_onnxruntime_ranks_too(models: Path, cross: dict[str, Weights], tmp_path: Path) -> None:
    """With the exact weights, where there is no kernel or the settings say so; the same bits in any company."""
    own = Path(shutil.copytree(models / "rerank" / "small-cross", tmp_path / "small-cross"))
    ranker = open_ranker(own, EmbeddingSettings(engine="onnx"))
    assert ranker.info.engine == "onnx"
    exact = CrossEncoder(ReferenceEncoder(cross["exact"]), cross["exact"])
    pairs = ranker.pairs(QUERY, TEXTS)
    assert pairs == exact.pairs(QUERY, TEXTS)
    found = ranker.encode(pairs)
    assert np.frombuffer(found, "<f4") == pytest.approx(np.frombuffer(exact.encode(pairs), "<f4"), abs=1e-4)
    assert found == b"".join(ranker.encode([pair]) for pair in pairs)


def test_the_second_text_is_told_from_the_first(cross: dict[str, Weights]) -> None:
    reference = ReferenceEncoder(cross["exact"])
    words = cross["exact"].architecture.words
    (pair,) = reference.pairs("a cat", ["the dog"])
    assert [one // words for one in pair.ids] == [0, 0, 0, 0, 1, 1, 1]
    assert [one % words for one in pair.ids[:4]] == [*reference.read(["a cat"], "")[0].ids]
    assert not pair.truncated
    assert reference.pairs("a cat", ["tea " * 600])[0].truncated


def test_a_direct_ranker_is_spread_over_threads(cross: dict[str, Weights]) -> None:
    found = []
    for threads in (1, 3):
        with DirectRanker(CrossEncoder(ReferenceEncoder(cross["exact"]), cross["exact"]), threads) as ranker:
            found.append(ranker.rerank(QUERY, TEXTS))
    assert found[0] == found[1]
    assert found[0].method == "cross-encoder"


@pytest.mark.usefixtures("own_kernel")
def test_a_cross_encoder_makes_no_vectors_and_an_encoder_does_not_rank(models: Path) -> None:
    with pytest.raises(ModelUnusable, match="it makes no vectors"):
        open_model(models / "rerank" / "small-cross", EmbeddingSettings())
    with pytest.raises(ModelUnusable, match="no head that ranks"):
        open_ranker(models / "embedding" / "small-bert", EmbeddingSettings())


def test_a_head_of_several_kinds_is_refused(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source", ranks=True, id2label={"0": "no", "1": "yes"})
    with pytest.raises(ModelUnusable, match="sorts texts into 2 kinds"):
        convert(source, tmp_path / "made")


@pytest.mark.usefixtures("own_kernel")
def test_its_conversion_is_checked(models: Path, tmp_path: Path) -> None:
    assert converted_and_checked(models / "rerank" / "small-cross", tmp_path / "made", "bf16")["cosine"] > 0.999


@given(st.lists(st.floats(-1000, 1000, width=32)))
def test_a_higher_logit_is_no_lower_chance(logits: list[float]) -> None:
    found = chances(np.array(sorted(logits), "<f4").tobytes())
    assert list(found) == sorted(found)
    assert all(0 <= chance <= 1 and not math.isnan(chance) for chance in found)
