"""A safetensors file, read where it lies: a header in JSON, then the tensors."""

from __future__ import annotations

import json
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.embedding.port import ModelUnusable

__all__ = ["read_safetensors"]

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "F64": np.dtype("<f8"),
}


def read_safetensors(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return the floating-point tensors by name, each read when it is looked at. Raises ModelUnusable."""
    try:
        with path.open("rb") as file:
            raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        (length,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8 : 8 + length])
        named = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return {name: _tensor(raw, 8 + length, entry) for name, entry in named.items() if entry["dtype"] in _DTYPES}
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelUnusable(
            f"{path} is no whole safetensors file ({error}).", remedy="`sotto models verify` says more; pull it again."
        ) from error


def _tensor(raw: mmap.mmap, start: int, entry: dict[str, Any]) -> npt.NDArray[np.float32]:
    first, until = entry["data_offsets"]
    if not 0 <= first <= until <= len(raw) - start:
        raise ValueError("a tensor lies outside of it")
    dtype = _DTYPES[entry["dtype"]]
    count = (until - first) // dtype.itemsize
    values: npt.NDArray[Any] = np.frombuffer(raw, dtype, count, start + first).reshape(entry["shape"])
    if entry["dtype"] == "BF16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return np.asarray(values, dtype=np.float32)
