"""onnxruntime computes what the reference computes, from a file that it packed once, the same bits in any company."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from services.embedding.convert import convert
from services.embedding.engines.graph import write_graph
from services.embedding.engines.reference import ReferenceEncoder
from services.embedding.opening import open_model
from services.embedding.port import Encoder, EngineMissing, ModelUnusable
from services.embedding.settings import EmbeddingSettings
from services.embedding.weights import Weights
from tests.kit.bert_models import write_bert, write_mpnet

ONNX = EmbeddingSettings(engine="onnx")
TEXTS = ("my bike code is 4512", "", "the cat", "tea " * 100, "Üñïçödé 😀 \0 \ud800 العربية", "a")


@pytest.fixture
def own(bert: Path, tmp_path: Path) -> Path:
    """A model of its own, as it was pulled."""
    return Path(shutil.copytree(bert, tmp_path / "own", ignore=shutil.ignore_patterns("converted")))


def rows(encoder: Encoder) -> np.ndarray:
    return np.frombuffer(encoder.encode(encoder.read(TEXTS, "")), "<f4").reshape(len(TEXTS), -1).astype(np.float64)


def exact(source: Path, folder: Path) -> np.ndarray:
    convert(source, folder, "fp32")
    return rows(ReferenceEncoder(Weights(folder)))


def packed_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("converted/onnx-*/*"))


def test_it_computes_the_exact_weights(own: Path, tmp_path: Path) -> None:
    """Not those that were rounded for the kernel, which lie beside."""
    encoder = open_model(own, ONNX)
    assert encoder.info.engine == "onnx"
    assert "onnxruntime" in encoder.info.detail
    assert np.abs(rows(encoder) - exact(own, tmp_path / "exact")).max() < 1e-5


@pytest.mark.parametrize("pooling", ["cls", "last"])
def test_it_pools_as_the_model_says(tmp_path: Path, pooling: str) -> None:
    source = write_bert(tmp_path / "source", pooling=pooling)
    assert np.abs(rows(open_model(source, ONNX)) - exact(source, tmp_path / "exact")).max() < 1e-5


def test_it_computes_mpnet(tmp_path: Path) -> None:
    source = write_mpnet(tmp_path / "source")
    assert np.abs(rows(open_model(source, ONNX)) - exact(source, tmp_path / "exact")).max() < 1e-5


def test_a_row_is_the_same_bits_alone_and_in_company(own: Path) -> None:
    encoder = open_model(own, ONNX)
    read = encoder.read(TEXTS, "")
    assert encoder.encode(read) == b"".join(encoder.encode([passage]) for passage in read)
    assert encoder.encode([]) == b""


def test_what_was_packed_is_used_again(own: Path) -> None:
    once = rows(open_model(own, ONNX))
    before = [(file.name, file.stat().st_ino) for file in packed_files(own)]
    assert [name for name, _ in before] == ["model.onnx", "model.onnx.data"]
    assert np.array_equal(rows(open_model(own, ONNX)), once)
    assert [(file.name, file.stat().st_ino) for file in packed_files(own)] == before


def test_a_packed_file_that_is_damaged_is_named(own: Path) -> None:
    open_model(own, ONNX)
    packed_files(own)[0].write_bytes(b"no graph")
    with pytest.raises(ModelUnusable, match="it is made again"):
        open_model(own, ONNX)


def test_a_model_without_its_source_is_computed_too(packed: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(packed, tmp_path / "packed"))
    expected = rows(ReferenceEncoder(Weights(folder)))
    assert np.abs(rows(open_model(folder, ONNX)) - expected).max() < 1e-5


def test_the_graph_is_whole_by_the_formats_own_checker(packed: Path, tmp_path: Path) -> None:
    weights = Weights(packed)
    write_graph(weights.architecture, weights.exact, tmp_path / "model.onnx", tmp_path / "model.data")
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)


def test_it_stands_between_the_kernel_and_numpy(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> object:
        raise EngineMissing("It is not here.")

    monkeypatch.setattr("services.embedding.engines.native.compiled", missing)
    assert open_model(own, EmbeddingSettings()).info.engine == "onnx"
    monkeypatch.setattr("services.embedding.engines.onnx._runtime", missing)
    assert open_model(own, EmbeddingSettings()).info.engine == "numpy"
    with pytest.raises(EngineMissing):
        open_model(own, ONNX)


def test_a_folder_that_takes_no_files_leaves_it_to_numpy(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_model(own, EmbeddingSettings(engine="numpy"))

    def full(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.embedding.engines.onnx.tempfile.TemporaryDirectory", full)
    with pytest.raises(EngineMissing, match="No space left"):
        open_model(own, ONNX)
