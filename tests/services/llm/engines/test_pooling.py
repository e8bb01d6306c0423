"""llama.cpp pools what the reference pools, reads what it reads, and gives the same bits in any company."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.embedding.convert import convert
from services.embedding.engines.reference import ReferenceEncoder
from services.embedding.port import Passage
from services.embedding.weights import Weights
from services.llm.engines.pooling import LlamaPooling
from services.llm.port import GenerationFailed, ModelUnusable
from tests.kit import gguf_models
from tests.kit.bert_ggufs import write_bert_gguf
from tests.kit.bert_models import write_bert

TEXTS = ("my bike code is blue", "", "the cats 😀", "a", "tea " * 60, "\0 \ud800")


def row(model: LlamaPooling, tokens: list[int]) -> np.ndarray:
    return np.frombuffer(model.row(tokens), "<f4")


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_it_pools_what_the_reference_pools(tmp_path: Path, pooling: str) -> None:
    source = write_bert(tmp_path / "source", pooling=pooling)
    convert(source, tmp_path / "exact", "fp32")
    reference = ReferenceEncoder(Weights(tmp_path / "exact"))
    model = LlamaPooling(write_bert_gguf(source, tmp_path / "made.gguf", pooling=pooling))
    assert (model.pooling, model.dimensions) == (pooling, 64)
    for text in TEXTS[:5]:
        tokens, _ = model.tokens(text)
        found = row(model, tokens)
        expected = np.frombuffer(reference.encode([Passage(tokens, False)]), "<f4")
        assert found @ expected / np.linalg.norm(found) > 0.9999
    model.close()


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pooling")
    return write_bert_gguf(write_bert(folder / "source", positions=64), folder / "bert.gguf")


def test_it_reads_as_the_tokeniser_of_the_source_does(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source")
    convert(source, tmp_path / "exact", "fp32")
    reference = ReferenceEncoder(Weights(tmp_path / "exact"))
    model = LlamaPooling(write_bert_gguf(source, tmp_path / "made.gguf"))
    assert [model.tokens(text)[0] for text in TEXTS[:4]] == [[*p.ids] for p in reference.read(TEXTS[:4], "")]


def test_without_pooling_there_is_a_row_for_each_token(embedding: Path) -> None:
    whole, each = LlamaPooling(embedding), LlamaPooling(embedding, pooling="none")
    tokens, _ = each.tokens("my bike code")
    rows = row(each, tokens).reshape(len(tokens), -1)
    assert rows.shape == (5, 64)
    assert np.allclose(rows.mean(axis=0), row(whole, tokens), atol=1e-5)


def test_a_rank_is_what_the_head_says(tmp_path: Path) -> None:
    """Beside the same head over the reference's first token; llama.cpp knows one kind of text only."""
    source = write_bert(tmp_path / "source", ranks=True, one_kind=True)
    convert(source, tmp_path / "exact", "fp32")
    weights = Weights(tmp_path / "exact")
    model = LlamaPooling(write_bert_gguf(source, tmp_path / "rank.gguf"))
    assert (model.pooling, model.dimensions) == ("rank", 1)
    first = np.frombuffer(ReferenceEncoder(weights).encode([Passage(model.pair("a cat", "a dog")[0], False)]), "<f4")
    pooled = np.tanh(weights.exact("pooler.weight") @ first + weights.exact("pooler.bias"))
    expected = weights.exact("classifier.weight") @ pooled + weights.exact("classifier.bias")
    assert row(model, model.pair("a cat", "a dog")[0]) == pytest.approx(expected, abs=2e-3)  # its GELU is a table


def test_a_row_is_the_same_bits_from_any_thread(embedding: Path) -> None:
    model = LlamaPooling(embedding, threads=2)
    read = [model.tokens(text)[0] for text in TEXTS]
    alone = [model.row(tokens) for tokens in read]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(model.row, read * 4)) == alone * 4


def test_a_long_text_is_cut_before_its_end_token_and_it_is_said(embedding: Path) -> None:
    model = LlamaPooling(embedding)
    (long, cut), (short, whole) = model.tokens("tea " * 10_000), model.tokens("tea")
    assert (cut, whole, len(long)) == (True, False, 64)
    assert (long[0], long[-1]) == (short[0], short[-1])
    assert model.pair("tea " * 10_000, "sea")[1]
    assert len(LlamaPooling(embedding, max_tokens=8).tokens("tea " * 9)[0]) == 8


def test_what_is_no_embedding_model_is_refused(tmp_path: Path, embedding: Path) -> None:
    (tmp_path / "none.gguf").write_bytes(embedding.read_bytes()[:2000])
    with pytest.raises(ModelUnusable):
        LlamaPooling(tmp_path / "none.gguf")
    with pytest.raises(ModelUnusable, match="no embedding model"):
        LlamaPooling(gguf_models.write_random(tmp_path / "chat.gguf"))
    model = LlamaPooling(embedding)
    for tokens in ([], [1] * 65, [-1], [10**6]):
        with pytest.raises(GenerationFailed):
            model.row(tokens)
    model.close()
    model.close()
