"""Conversion: a BERT encoder in the form of the model hub becomes one Arrow file that is used where it lies.

Written are `model.arrow` (columns layer_name, shape, dtype, data, num_params; each tensor on a boundary of 64 bytes),
`tokenizer.json`, `words.json` with what plain text needs of it, and `metadata.json` with the architecture, the place of
each tensor and the SHA-256 of the others; all of them or none.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from services.embedding.architecture import MPNET_PADDING, Architecture, read_architecture
from services.embedding.arrow import SCHEMA
from services.embedding.arrow import tensors as read_tensors
from services.embedding.engines.plain import plain_words
from services.embedding.naming import BERT, MPNET, distances
from services.embedding.packing import INT8, PACKED, PACKED_INT8, padded, to_stored
from services.embedding.port import EngineMissing, ModelUnusable
from services.embedding.safetensors import read_safetensors
from services.embedding.staging import staging
from services.embedding.weights import FORMAT, METADATA, TOKENIZER, WEIGHTS, WORDS, sha256_of
from shared.pcm import Floats

__all__ = ["Precision", "Stored", "convert", "exact_weights", "table", "write_model"]

Precision = Literal["bf16", "fp16", "fp32", "int8"]
"""bf16: packed for the kernel, half the size; fp16: half the size; fp32: as it came; int8: packed for the kernel too, a
quarter of the size, and further from the exact weights."""

_MATRIX = {"bf16": PACKED, "fp16": "float16", "fp32": "float32", "int8": PACKED_INT8}
_WORDS = {"bf16": "float16", "fp16": "float16", "fp32": "float32", "int8": INT8}
_BOUNDARY = 64

Stored = tuple[str, tuple[int, ...], str, bytes]
"""Name, shape, type, and what the file holds of it."""


def convert(source: Path, target: Path, precision: Precision = "bf16") -> None:
    """Write the model of folder `source` into folder `target`, which is made. Blocks for about a second.

    Raises ModelUnusable for what is no BERT encoder or is damaged, and EngineMissing without pyarrow.
    """
    architecture = read_architecture(source)
    tensors = read_safetensors(source / "model.safetensors")
    rows = [_stored(name, *row) for name, row in _rows(tensors, architecture, precision)]
    write_model(rows, target, architecture, source.name, precision, source / TOKENIZER)


def write_model(
    rows: list[Stored], target: Path, architecture: Architecture, name: str, precision: Precision, tokenizer: Path
) -> None:
    """Write folder `target`, whole or not at all. Raises ModelUnusable where it cannot be, or EngineMissing."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging(target.parent) as made:
            stage = made / "whole"
            stage.mkdir()
            _write(rows, stage / WEIGHTS)
            shutil.copyfile(tokenizer, stage / TOKENIZER)
            words = plain_words((stage / TOKENIZER).read_bytes())
            if words is not None:
                (stage / WORDS).write_bytes(words)
            _describe(stage, architecture, name, precision)
            _replace(stage, target)
    except OSError as error:
        raise ModelUnusable(
            f"{name} cannot be converted: {error.strerror or error} ({error.filename or target}).",
            remedy=f"Give {target.parent} room and permissions, or name another folder: `sotto models convert … --to`.",
        ) from error


def exact_weights(source: Path) -> Callable[[str], Floats]:
    """Return what gives a weight of folder `source` in float32 by its name here. Raises ModelUnusable."""
    tensors = read_safetensors(source / "model.safetensors")
    return {name: values for name, (values, _) in _rows(tensors, read_architecture(source), "fp32")}.__getitem__


def _rows(
    tensors: Mapping[str, Floats], architecture: Architecture, precision: Precision
) -> Iterator[tuple[str, tuple[Floats, str]]]:
    """Each tensor under its name here, with the type it is stored in."""
    get = _Source(tensors)
    matrix = _MATRIX[precision]
    hidden, inner = architecture.hidden, architecture.inner
    names = MPNET if architecture.relative else BERT
    if architecture.relative:
        buckets = get("encoder.relative_attention_bias.weight", -1, architecture.heads)
        yield "distance", (distances(buckets, architecture.positions), "float32")
    if architecture.ranks:
        yield from _head(get, hidden)
    yield "word", (get("embeddings.word_embeddings.weight", architecture.words, hidden), _WORDS[precision])
    yield "position", (_positions(get, architecture), "float32")
    yield from _norm("norm", get, "embeddings.LayerNorm", hidden)
    for n in range(architecture.layers):
        own = f"encoder.layer.{n}."
        yield from _linear(f"{n}.qkv", get, [own + part for part in names.qkv], hidden, hidden, matrix)
        yield from _linear(f"{n}.out", get, [own + names.out], hidden, hidden, matrix)
        yield from _norm(f"{n}.norm1", get, own + names.norm, hidden)
        yield from _linear(f"{n}.up", get, [own + "intermediate.dense"], inner, hidden, matrix)
        yield from _linear(f"{n}.down", get, [own + "output.dense"], hidden, inner, matrix)
        yield from _norm(f"{n}.norm2", get, own + "output.LayerNorm", hidden)


def _positions(get: _Source, a: Architecture) -> Floats:
    """What is added to a word at each place, the first text's own embedding included."""
    name = "embeddings.position_embeddings.weight"
    if a.relative:
        return get(name, a.positions + MPNET_PADDING, a.hidden)[MPNET_PADDING:]
    return np.asarray(
        get(name, a.positions, a.hidden) + get("embeddings.token_type_embeddings.weight", -1, a.hidden)[0]
    )


def _head(get: _Source, hidden: int) -> Iterator[tuple[str, tuple[Floats, str]]]:
    """What a cross-encoder has besides: the second text's own embedding less the first's, and the layers that rank."""
    kinds = get("embeddings.token_type_embeddings.weight", 2, hidden)
    yield "second", (kinds[1] - kinds[0], "float32")
    for name, part, outputs in (("pooler", "pooler.dense", hidden), ("classifier", "classifier", 1)):
        yield f"{name}.weight", (get(f"{part}.weight", outputs, hidden), "float32")
        yield f"{name}.bias", (get(f"{part}.bias", outputs), "float32")


class _Source:
    """The tensors of the hub's file, with or without the prefix that some models give them; shapes are checked."""

    def __init__(self, tensors: Mapping[str, Floats]) -> None:
        self._tensors = tensors
        prefixes = ("bert.", "mpnet.")
        self._prefix = next((p for p in prefixes if f"{p}embeddings.word_embeddings.weight" in tensors), "")

    def __call__(self, name: str, *shape: int) -> Floats:
        found = self._tensors.get(self._prefix + name)
        found = self._tensors.get(name) if found is None else found
        if found is None:
            raise ModelUnusable(f"The weights lack {name}.", remedy="Pull the model again.")
        if len(found.shape) != len(shape) or any(a != b for a, b in zip(found.shape, shape, strict=True) if b != -1):
            raise ModelUnusable(
                f"{name} has the shape {found.shape}; config.json asks for {shape}.", remedy="Pull the model again."
            )
        if not np.isfinite(found).all():
            raise ModelUnusable(f"{name} holds numbers that are not finite.", remedy="Pull the model again.")
        return found


def _linear(
    name: str, get: _Source, parts: list[str], outputs: int, inputs: int, dtype: str
) -> Iterator[tuple[str, tuple[Floats, str]]]:
    matrix = np.concatenate([get(f"{part}.weight", outputs, inputs) for part in parts])
    bias = np.concatenate([get(f"{part}.bias", outputs) for part in parts])
    yield f"{name}.weight", (matrix, dtype)
    yield f"{name}.bias", (np.pad(bias, (0, padded(len(bias)) - len(bias))), "float32")


def _norm(name: str, get: _Source, part: str, size: int) -> Iterator[tuple[str, tuple[Floats, str]]]:
    yield f"{name}.weight", (get(f"{part}.weight", size), "float32")
    yield f"{name}.bias", (get(f"{part}.bias", size), "float32")


def _stored(name: str, values: Floats, dtype: str) -> Stored:
    raw = to_stored(values, dtype).tobytes()
    return name, values.shape, dtype, raw + bytes(-len(raw) % _BOUNDARY)


def _write(rows: list[Stored], path: Path) -> None:
    """Write the Arrow file; pyarrow aligns to 8 bytes only, so a first row pads the data to a boundary."""
    for pad in range(0, _BOUNDARY, 8):
        _write_table([("padding", (pad,), "uint8", bytes(pad)), *rows], path)
        if read_tensors(memoryview(path.read_bytes()))[rows[0][0]].offset % _BOUNDARY == 0:
            return
    raise AssertionError("the Arrow writer aligns to 8 bytes")


def _write_table(rows: list[Stored], path: Path) -> None:
    from_rows = table(rows)
    pa, ipc = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.ipc")
    with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, from_rows.schema) as writer:
        writer.write_batch(from_rows.to_batches()[0])


def table(rows: list[Stored]) -> Any:
    """The rows as a table of Arrow, with the number of parameters of each. Raises EngineMissing without pyarrow."""
    try:
        pa = importlib.import_module("pyarrow")
    except ImportError as error:
        raise EngineMissing("pyarrow is not installed.", remedy="Run `scripts/setup memory`.") from error
    types = (pa.string(), pa.list_(pa.int32()), pa.string(), pa.large_binary(), pa.int64())
    schema = pa.schema(list(zip(SCHEMA, types, strict=True)))
    columns = [list(column) for column in zip(*rows, strict=True)]
    parameters = [int(np.prod(shape)) for shape in columns[1]]
    arrays = [pa.array(column, kind) for column, kind in zip([*columns, parameters], types, strict=True)]
    return pa.table(arrays, schema=schema)


def _describe(stage: Path, architecture: Architecture, name: str, precision: Precision) -> None:
    places = read_tensors(memoryview((stage / WEIGHTS).read_bytes()))
    metadata = {
        "format": FORMAT,
        "name": name,
        "precision": precision,
        "architecture": architecture._asdict(),
        "bytes": (stage / WEIGHTS).stat().st_size,
        "sha256": {file.name: sha256_of(file) for file in sorted(stage.iterdir())},
        "tensors": {
            tensor: {"offset": at.offset, "bytes": at.bytes, "shape": at.shape, "dtype": at.dtype}
            for tensor, at in places.items()
        },
    }
    (stage / METADATA).write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")


def _replace(stage: Path, target: Path) -> None:
    """Put the whole folder in its place; what was there before goes."""
    for file in stage.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    try:
        if target.exists():
            target.rename(stage.with_name("old"))
        stage.rename(target)
    except OSError:
        if not (target / METADATA).is_file():  # else another process was faster
            raise
