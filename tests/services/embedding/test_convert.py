"""A converted model says what its source said, is used where it lies, and is refused when anything is wrong."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from services.embedding.arrow import SCHEMA, NotThisArrow, tensors
from services.embedding.convert import Precision, convert
from services.embedding.engines.reading import Reader
from services.embedding.naming import distances
from services.embedding.opening import open_model
from services.embedding.packing import INT8, PACKED, PACKED_INT8, from_stored, to_stored
from services.embedding.port import ModelUnusable
from services.embedding.settings import EmbeddingSettings
from services.embedding.staging import staging
from services.embedding.weights import Weights
from tests.kit.bert_models import write_bert, write_mpnet

NUMPY = EmbeddingSettings(engine="numpy")
TINY = {"hidden": 16, "inner": 32, "heads": 1, "layers": 1, "positions": 8}


@pytest.fixture
def copy(packed: Path, tmp_path: Path) -> Path:
    """A converted model that may be spoilt."""
    return Path(shutil.copytree(packed, tmp_path / "copy"))


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 0), ("fp16", 1e-3), ("bf16", 1e-2), ("int8", 1e-2)])
def test_every_weight_arrives(bert: Path, tmp_path: Path, precision: Precision, tolerance: float) -> None:
    convert(bert, tmp_path / "made", precision)
    weights, source = Weights(tmp_path / "made"), load_file(bert / "model.safetensors")
    down = weights.tensors["1.down.weight"]
    values = from_stored(weights.bytes_of("1.down.weight"), down.shape, down.dtype)
    assert np.allclose(values, source["encoder.layer.1.output.dense.weight"], rtol=tolerance, atol=tolerance)
    assert down.parameters == 64 * 112


def test_distances_fall_into_buckets_as_in_mpnet() -> None:
    """Near ones each have their own, farther ones share, all from 128 on the last; after is apart from before."""
    table = distances(np.arange(32, dtype=np.float32).reshape(32, 1), 300)
    assert table.shape == (1, 617)
    before = {
        0: 0,
        1: 1,
        7: 7,
        8: 8,
        11: 8,
        12: 9,
        15: 9,
        16: 10,
        31: 11,
        32: 12,
        63: 13,
        64: 14,
        90: 14,
        91: 15,
        299: 15,
    }
    assert {d: int(table[0, 300 - d]) for d in before} == before
    assert {d: int(table[0, 300 + d]) for d in before if d} == {d: n + 16 for d, n in before.items() if d}


def test_a_model_that_attends_otherwise_is_refused(tmp_path: Path) -> None:
    source = write_mpnet(tmp_path / "source")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "relative_attention_num_buckets": 64}))
    with pytest.raises(ModelUnusable, match="MPNet of a kind"):
        convert(source, tmp_path / "made")


def test_int8_saves_three_quarters_and_says_what_it_is(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source", hidden=96, inner=192)
    for precision in ("fp32", "int8"):
        convert(source, tmp_path / precision, precision)  # type: ignore[arg-type]
    exact, small = (open_model(tmp_path / precision, NUMPY) for precision in ("fp32", "int8"))
    assert small.info.detail.endswith("weights widened from int8")
    one, two = (np.frombuffer(e.encode(e.read(["my bike code is blue"], "")), "<f4") for e in (exact, small))
    assert 0.97 < one @ two < 1
    weights = {name: Weights(tmp_path / name).tensors for name in ("fp32", "int8")}
    matrices = [name for name, tensor in weights["int8"].items() if tensor.dtype.startswith("int8")]
    sizes = [sum(weights[name][matrix].bytes for matrix in matrices) for name in ("fp32", "int8")]
    assert sizes[0] / sizes[1] > 3.5
    assert len(matrices) == 1 + 2 * 4


def test_a_row_of_zeros_stays_one_in_int8() -> None:
    matrix = np.zeros((2, 3), np.float32)
    assert np.array_equal(from_stored(memoryview(to_stored(matrix, INT8).tobytes()), (2, 3), INT8), matrix)


@pytest.mark.parametrize(("dtype", "step"), [(PACKED, 251), (PACKED_INT8, 128)])
def test_a_matrix_that_fills_no_whole_panel_is_packed_and_unpacked(dtype: str, step: int) -> None:
    matrix = (np.arange(50 * 8, dtype=np.float32) % step).reshape(50, 8)
    matrix[:, 0] = step - 1  # the largest of each row, so that int8 is exact too
    assert np.array_equal(from_stored(memoryview(to_stored(matrix, dtype).tobytes()), (50, 8), dtype), matrix)


def test_the_file_is_what_other_readers_of_arrow_expect(packed: Path) -> None:
    import pyarrow.ipc

    with pyarrow.memory_map(str(packed / "model.arrow")) as file:
        table = pyarrow.ipc.open_file(file).read_all()
        rows = {
            row["layer_name"]: row for row in table.select(["layer_name", "shape", "dtype", "num_params"]).to_pylist()
        }
    found = tensors(memoryview((packed / "model.arrow").read_bytes()))
    assert tuple(table.column_names) == SCHEMA
    assert {name: (list(t.shape), t.dtype, t.parameters) for name, t in found.items()} == {
        name: (row["shape"], row["dtype"], row["num_params"]) for name, row in rows.items()
    }
    assert all(tensor.offset % 64 == 0 for name, tensor in found.items() if name != "padding")


def test_converting_twice_gives_the_same_bytes(bert: Path, packed: Path, tmp_path: Path) -> None:
    convert(bert, tmp_path / "again")
    convert(bert, tmp_path / "again")
    assert (tmp_path / "again" / "model.arrow").read_bytes() == (packed / "model.arrow").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def test_what_a_killed_conversion_left_goes_with_the_next(bert: Path, tmp_path: Path) -> None:
    """But not what another process works in at the moment."""
    killed = tmp_path / ".converting-killed"
    (killed / "whole").mkdir(parents=True)
    (killed / "whole" / "model.arrow").write_bytes(b"half")
    (tmp_path / "other").mkdir()
    with staging(tmp_path) as working:
        convert(bert, tmp_path / "made")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([working.name, "made", "other"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "other"]


# ---- what is refused


def test_a_flipped_byte_is_noticed_even_after_it_was_right_once(copy: Path) -> None:
    Weights(copy)
    path = copy / "model.arrow"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    before = path.stat()
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelUnusable, match="is damaged"):
        Weights(copy)


def test_swapped_tensors_are_noticed(copy: Path) -> None:
    metadata = json.loads((copy / "metadata.json").read_text())
    places = metadata["tensors"]
    places["0.norm1.weight"], places["1.norm1.weight"] = places["1.norm1.weight"], places["0.norm1.weight"]
    (copy / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ModelUnusable, match="elsewhere"):
        Weights(copy)


def test_another_models_tokeniser_is_noticed(copy: Path) -> None:
    (copy / "tokenizer.json").write_text((copy / "tokenizer.json").read_text() + " ")
    with pytest.raises(ModelUnusable, match="not the tokeniser"):
        Weights(copy).tokenizer()


def test_other_words_than_the_tokenisers_are_noticed(copy: Path) -> None:
    (copy / "words.json").write_text((copy / "words.json").read_text().replace("bike", "cake"))
    with pytest.raises(ModelUnusable, match="not the tokeniser"):
        Weights(copy).words()


def test_a_model_that_was_converted_without_words_is_read_the_same(copy: Path, packed: Path) -> None:
    metadata = json.loads((copy / "metadata.json").read_text())
    del metadata["sha256"]["words.json"]
    (copy / "metadata.json").write_text(json.dumps(metadata))
    (copy / "words.json").unlink()
    texts = ["the code of my bike", "unbelievable"]
    assert Reader(Weights(copy), 64).read(texts, "") == Reader(Weights(packed), 64).read(texts, "")


@pytest.mark.parametrize("change", [{"hidden": 32}, {"layers": 3}, {"words": 10**9}, {"pooling": "max"}, {"heads": 0}])
def test_shapes_that_do_not_fit_are_noticed(copy: Path, change: dict[str, object]) -> None:
    metadata = json.loads((copy / "metadata.json").read_text())
    metadata["architecture"] |= change
    (copy / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ModelUnusable, match="Run `sotto models convert`"):
        Weights(copy)


@pytest.mark.parametrize("file", ["model.arrow", "metadata.json"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"ARROW1", b"{}", b"[1]", b'{"format": 2}', b"\xff"])
def test_a_file_that_is_something_else_is_noticed(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    with pytest.raises(ModelUnusable):
        Weights(copy)


def test_a_file_that_is_missing_is_noticed(copy: Path) -> None:
    (copy / "model.arrow").unlink()
    with pytest.raises(ModelUnusable, match="cannot be opened"):
        Weights(copy)


def test_a_compressed_file_is_noticed(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.ipc

    types = (pa.string(), pa.list_(pa.int32()), pa.string(), pa.large_binary(), pa.int64())
    columns = [pa.array([value], kind) for value, kind in zip(("a", [1], "b", bytes(999), 1), types, strict=True)]
    batch = pa.record_batch(columns, schema=pa.schema(list(zip(SCHEMA, types, strict=True))))
    path = tmp_path / "compressed.arrow"
    with pa.OSFile(str(path), "wb") as sink:
        options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
        with pyarrow.ipc.new_file(sink, batch.schema, options=options) as writer:
            writer.write_batch(batch)
    with pytest.raises(NotThisArrow, match="compressed"):
        tensors(memoryview(path.read_bytes()))


@pytest.fixture(scope="module")
def tiny_arrow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("tiny")
    convert(write_bert(folder / "tiny", **TINY), folder / "made")  # type: ignore[arg-type]
    return (folder / "made" / "model.arrow").read_bytes()


@given(st.data())
def test_no_damage_to_the_file_is_more_than_a_refusal(tiny_arrow: bytes, data: st.DataObject) -> None:
    """Whatever its headers say, nothing outside of the file is ever pointed to."""
    raw = bytearray(tiny_arrow)
    tail = st.integers(len(raw) - 2500, len(raw) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 1500) | tail)
        raw[place] = data.draw(st.sampled_from((0, 1, 4, 127, 128, 255)))
    raw = raw[: data.draw(st.just(len(raw)) | st.integers(0, len(raw)))]
    try:
        found = tensors(memoryview(raw))
    except NotThisArrow:
        return
    assert all(0 <= t.offset <= t.offset + t.bytes <= len(raw) for t in found.values())


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"model_type": "llama"}, "model_type is llama"),
        ({"hidden_act": "relu"}, "hidden_act is relu"),
        ({"vocab_size": 0}, "does not state vocab_size"),
        ({"hidden_size": 32}, "config.json asks for"),
        ({"num_attention_heads": 5}, "do not divide"),
    ],
)
def test_a_source_that_is_no_such_model_is_refused(tmp_path: Path, stated: dict[str, object], said: str) -> None:
    source = write_bert(tmp_path / "source", **{**TINY, **stated})  # type: ignore[arg-type]
    with pytest.raises(ModelUnusable, match=said):
        convert(source, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_source_that_is_damaged_is_refused(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source", **TINY)  # type: ignore[arg-type]
    weights = load_file(source / "model.safetensors")
    del weights["embeddings.LayerNorm.bias"]
    save_file(weights, source / "model.safetensors")
    with pytest.raises(ModelUnusable, match=r"lack embeddings\.LayerNorm\.bias"):
        convert(source, tmp_path / "made")
    weights["embeddings.LayerNorm.bias"] = np.full(16, np.nan, np.float32)
    save_file(weights, source / "model.safetensors")
    with pytest.raises(ModelUnusable, match="not finite"):
        convert(source, tmp_path / "made")
    (source / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ModelUnusable, match="no whole safetensors"):
        convert(source, tmp_path / "made")


@pytest.mark.parametrize("room", [0, 4096, 200_000])
def test_a_full_disk_leaves_what_was_there(bert: Path, tmp_path: Path, room: int) -> None:
    """However much of the new file still fits."""
    convert(bert, tmp_path / "made", "fp16")
    before = (tmp_path / "made" / "model.arrow").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(ModelUnusable, match="cannot be converted"):
            convert(bert, tmp_path / "made")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "made" / "model.arrow").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_source_without_a_tokeniser_is_refused(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source", **TINY)  # type: ignore[arg-type]
    (source / "tokenizer.json").unlink()
    with pytest.raises(ModelUnusable, match=r"tokenizer\.json"):
        convert(source, tmp_path / "made")
