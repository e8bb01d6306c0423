"""An archive of a converted model: one Parquet file, compressed with ZSTD, from which the folder is made again.

It has the columns of `model.arrow`; beside them, the tokeniser, the architecture and the SHA-256 of all data, so that a
damaged archive is refused. For keeping and sending: nothing computes on it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from services.embedding.architecture import Architecture
from services.embedding.convert import Stored, table, write_model
from services.embedding.port import EngineMissing, ModelUnusable
from services.embedding.weights import TOKENIZER, Weights

__all__ = ["ENDING", "archived", "unpack"]

ENDING = ".parquet"
_LEVEL = 9
_ABOUT, _WORDS = b"sotto.model", b"sotto.tokenizer"


def archived(folder: Path, path: Path) -> int:
    """Write the converted model of a folder into a file, whole or not at all; returns its size in bytes.

    Raises ModelUnusable, or EngineMissing without pyarrow.
    """
    weights = Weights(folder)
    rows: list[Stored] = [
        (name, tensor.shape, tensor.dtype, bytes(weights.bytes_of(name)))
        for name, tensor in weights.tensors.items()
        if name != "padding"
    ]
    about = {
        "name": weights.name,
        "precision": weights.precision,
        "architecture": weights.architecture._asdict(),
        "sha256": _sha256(rows),
    }
    kept = table(rows).replace_schema_metadata({_ABOUT: json.dumps(about), _WORDS: weights.tokenizer()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".archiving-", dir=path.parent) as stage:
            made = Path(stage) / path.name
            _parquet().write_table(kept, made, compression="zstd", compression_level=_LEVEL, use_dictionary=False)
            made.replace(path)
        return path.stat().st_size
    except OSError as error:
        raise ModelUnusable(
            f"{path} cannot be written: {error.strerror or error}.", remedy="Name a place with room and permissions."
        ) from error


def unpack(path: Path, target: Path) -> None:
    """Make the folder of a converted model again.

    Raises ModelUnusable for what is no whole archive, or EngineMissing.
    """
    again = "Make the archive again: `sotto models convert … --archive`."
    try:
        kept = _parquet().read_table(path)
        about = json.loads(kept.schema.metadata[_ABOUT])
        words = bytes(kept.schema.metadata[_WORDS])
        columns = [kept.column(name).to_pylist() for name in ("layer_name", "shape", "dtype", "data")]
        rows: list[Stored] = [(n, tuple(shape), dtype, data) for n, shape, dtype, data in zip(*columns, strict=True)]
        architecture = Architecture(**about["architecture"])
        whole = _sha256(rows) == about["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:  # pyarrow's own are among them
        raise ModelUnusable(f"{path.name} is no archive of a model: {error}.", remedy=again) from error
    if not whole:
        raise ModelUnusable(f"{path.name} is damaged: its data have another SHA-256.", remedy=again)
    with tempfile.TemporaryDirectory(prefix="sotto-archive-") as stage:
        tokenizer = Path(stage) / TOKENIZER
        tokenizer.write_bytes(words)
        write_model(rows, target, architecture, about["name"], about["precision"], tokenizer)


def _sha256(rows: Iterable[Stored]) -> str:
    digest = hashlib.sha256()
    for name, shape, dtype, data in rows:
        digest.update(f"{name} {list(shape)} {dtype} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _parquet() -> Any:
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise EngineMissing("pyarrow is not installed.", remedy="Run `scripts/setup memory`.") from error
