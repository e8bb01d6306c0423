"""A GGUF embeds and ranks like any other model; what evaluates it is handed in."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from services.embedding.opening import open_model, open_ranker
from services.embedding.port import EngineMissing, ModelUnusable
from services.embedding.service import EmbeddingService
from services.embedding.settings import EmbeddingSettings
from services.llm.engines.pooling import LlamaPooling
from services.models import Store
from services.models.settings import ModelsSettings
from services.testing import running
from shared.events import EmbedRequest, EmbedResult, ModelLoaded, RerankRequest, RerankResult
from tests.kit.bert_ggufs import write_bert_gguf
from tests.kit.bert_models import write_bert

OPEN, OPEN_RANKER = partial(open_model, pooling=LlamaPooling), partial(open_ranker, pooling=LlamaPooling)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a GGUF that embeds and one that ranks."""
    folder, made = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("sources")
    for role, ranks in (("embedding", False), ("rerank", True)):
        (folder / role).mkdir()
        source = write_bert(made / role, ranks=ranks)
        write_bert_gguf(source, folder / role / f"small-{role}.gguf")
    return folder


async def test_the_service_embeds_and_ranks_with_what_is_installed(models: Path, settings: EmbeddingSettings) -> None:
    store = Store(ModelsSettings(folder=models))
    service = EmbeddingService(settings, store, OPEN, None, OPEN_RANKER)
    async with running(service) as bench:
        assert (await bench.next(ModelLoaded)).name == "small-embedding"
        bench.publish(EmbedRequest, texts=("my bike", "", "my bike"))
        embedded = await bench.next(EmbedResult)
        assert (embedded.engine, embedded.dimensions, embedded.count) == ("gguf", 64, 3)
        rows = np.frombuffer(embedded.vectors, "<f4").reshape(3, 64)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert np.array_equal(rows[0], rows[2])
        bench.publish(RerankRequest, query="a cat", texts=("the cat", "my bike", "the cat"))
        ranked = await bench.next(RerankResult)
        assert (ranked.model, ranked.method) == ("small-rerank", "cross-encoder")
        assert ranked.scores[0] == ranked.scores[2] != ranked.scores[1]
        assert all(0 < score < 1 for score in ranked.scores)


def test_one_that_ranks_does_not_embed_and_the_other_way_round(models: Path) -> None:
    with pytest.raises(ModelUnusable, match="does not embed"):
        OPEN(models / "rerank" / "small-rerank.gguf", EmbeddingSettings())
    with pytest.raises(ModelUnusable, match="does not rank"):
        OPEN_RANKER(models / "embedding" / "small-embedding.gguf", EmbeddingSettings())


def test_what_llama_cpp_refuses_is_refused_here_in_its_words(models: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes((models / "embedding" / "small-embedding.gguf").read_bytes()[:3000])
    with pytest.raises(ModelUnusable, match=r"cut\.gguf is not a usable model"):
        OPEN(tmp_path / "cut.gguf", EmbeddingSettings())


def test_without_llama_cpp_or_with_another_engine_it_says_so(models: Path) -> None:
    file = models / "embedding" / "small-embedding.gguf"
    with pytest.raises(EngineMissing, match="not at hand"):
        open_model(file, EmbeddingSettings())
    with pytest.raises(EngineMissing, match=r"llama\.cpp alone"):
        OPEN(file, EmbeddingSettings(engine="numpy"))


def test_another_file_of_the_same_name_has_another_fingerprint(models: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(models / "embedding" / "small-embedding.gguf", tmp_path / "one.gguf"))
    first = OPEN(file, EmbeddingSettings())
    same = OPEN(file, EmbeddingSettings())
    write_bert_gguf(write_bert(tmp_path / "source", seed=9), file)
    other = OPEN(file, EmbeddingSettings())
    assert first.info.fingerprint == same.info.fingerprint != other.info.fingerprint
