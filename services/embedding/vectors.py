"""Vectors: shortened, compared, and in the forms that others ask for. Rows are float32, (count, dimensions).

numpy is imported by what computes: a process that only hands rows on does without it.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from services.embedding.port import FLOAT_BYTES, TextsUnusable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from shared.pcm import Floats

__all__ = [
    "FORMS",
    "Form",
    "computing",
    "cosine",
    "from_bytes",
    "in_base64",
    "nearest",
    "normalised",
    "shortened",
    "written",
]

Form = Literal["float", "base64", "fp16", "int8", "binary"]
FORMS: tuple[Form, ...] = get_args(Form)


async def computing() -> None:
    """Have numpy at hand, which is imported on a thread: the event loop cannot wait for it."""
    if "numpy" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "numpy")


def from_bytes(rows: bytes, dimensions: int) -> Floats:
    """The rows of an encoder as an array that shares their memory."""
    import numpy as np

    return np.frombuffer(rows, "<f4").reshape(-1, dimensions)


def normalised(rows: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays one."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def shortened(rows: bytes, dimensions: int, to: int) -> bytes:
    """Keep the first `to` dimensions of each row and make its length 1 again; 0 keeps all. Raises TextsUnusable."""
    if to in (0, dimensions):
        return rows
    if not 0 < to < dimensions:
        raise TextsUnusable(f"The model's vectors have {dimensions} dimensions, not {to}.", remedy="Ask for fewer.")
    return normalised(from_bytes(rows, dimensions)[:, :to]).tobytes()


def cosine(first: Floats, second: Floats) -> Floats:
    """The cosine of each row of one with each of the other, shape (first, second)."""
    return normalised(first) @ normalised(second).T


def nearest(query: Floats, rows: Floats, count: int) -> list[tuple[int, float]]:
    """The places of the `count` rows nearest to the one query, each with its cosine, the best first."""
    import numpy as np

    scores = cosine(query.reshape(1, -1), rows)[0]
    order = np.argsort(-scores, kind="stable")[:count]
    return [(int(place), float(scores[place])) for place in order]


def written(row: Floats, form: Form) -> Sequence[float] | Sequence[int] | str:
    """One vector as it is handed out.

    `float`: numbers. `base64`: float32, little-endian. `fp16`: half precision, base64. `int8`: 127 times the value,
    rounded. `binary`: a bit for each dimension that is above zero, eight to a byte, base64.
    """
    import numpy as np

    match form:
        case "float":
            return [float(value) for value in row]
        case "base64":
            return _base64(row.astype("<f4"))
        case "fp16":
            return _base64(row.astype("<f2"))
        case "int8":
            return [int(value) for value in np.clip(np.rint(row * 127), -127, 127)]
        case "binary":
            return _base64(np.packbits(row > 0))


def in_base64(rows: bytes, dimensions: int) -> list[str]:
    """Each row of an encoder as `written` gives it in base64, without a detour over arrays."""
    size = dimensions * FLOAT_BYTES
    return [base64.b64encode(rows[at : at + size]).decode() for at in range(0, len(rows), size)]


def _base64(values: npt.NDArray[np.generic]) -> str:
    return base64.b64encode(values.tobytes()).decode()
