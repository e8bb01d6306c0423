"""How tensors are stored: the types of numbers, and the order in which the kernel wants a matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shared.pcm import Floats

__all__ = ["INT8", "PACKED", "PACKED_INT8", "from_stored", "padded", "to_stored"]

INT8 = "int8"
"""A float32 for each row, by which its bytes are multiplied; then a signed byte for each number, row by row."""
PACKED = "bfloat16/48x2"
"""bfloat16 as the kernel reads it: panels of 48 outputs, of which it takes two inputs at a time."""
PACKED_INT8 = "int8/48x4"
"""INT8 as the kernel reads it: such panels of bytes, of which it takes four inputs at a time; then the scales of the
outputs, and the sums of their rows."""
_PANEL = 48

_Array = npt.NDArray[np.generic]


def padded(outputs: int) -> int:
    """The next whole number of panels."""
    return -(-outputs // _PANEL) * _PANEL


def to_stored(values: Floats, dtype: str) -> _Array:
    """Return an array whose bytes are what a file holds; `dtype` is float32, float16, bfloat16 or one of the above."""
    if dtype == PACKED:
        return _packed(values)
    if dtype == PACKED_INT8:
        return _packed_int8(values)
    if dtype == INT8:
        return _to_int8(values)
    return _to_bfloat16(values) if dtype == "bfloat16" else np.ascontiguousarray(values, dtype=f"<{_CODE[dtype]}")


def from_stored(raw: memoryview, shape: tuple[int, ...], dtype: str) -> Floats:
    """The inverse of `to_stored`, as exact as the type was; float32 is not copied."""
    if dtype == PACKED:
        return _unpacked(raw, shape)
    if dtype == PACKED_INT8:
        return _unpacked_int8(raw, shape)
    if dtype == INT8:
        return _from_int8(raw, shape)
    count = int(np.prod(shape))
    if dtype == "bfloat16":
        return _from_bfloat16(np.frombuffer(raw, "<u2", count)).reshape(shape)
    return np.frombuffer(raw, f"<{_CODE[dtype]}", count).astype(np.float32, copy=False).reshape(shape)


_CODE = {"float32": "f4", "float16": "f2"}


def _to_bfloat16(values: Floats) -> npt.NDArray[np.uint16]:
    """The upper half of each float, rounded to even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _from_bfloat16(values: npt.NDArray[np.uint16]) -> Floats:
    return (values.astype(np.uint32) << 16).view(np.float32)


def _to_int8(matrix: Floats) -> npt.NDArray[np.uint8]:
    scales, whole = _measured(matrix)
    return np.concatenate([scales.view(np.uint8).reshape(-1), whole.view(np.uint8).reshape(-1)])


def _measured(matrix: Floats) -> tuple[Floats, npt.NDArray[np.int8]]:
    """Each row as whole numbers from -127 to 127, its largest at an end, and what they are to be multiplied by."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scales = (np.where(largest > 0, largest, 1) / 127).astype("<f4")
    return scales, np.clip(np.rint(matrix / scales), -127, 127).astype(np.int8)


def _from_int8(raw: memoryview, shape: tuple[int, ...]) -> Floats:
    rows, columns = shape
    scales = np.frombuffer(raw, "<f4", rows).reshape(-1, 1)
    return np.asarray(np.frombuffer(raw, np.int8, rows * columns, 4 * rows).reshape(shape) * scales, dtype=np.float32)


def _packed(matrix: Floats) -> npt.NDArray[np.uint16]:
    outputs, inputs = matrix.shape
    whole = np.zeros((padded(outputs), inputs), np.float32)
    whole[:outputs] = matrix
    panels = _to_bfloat16(whole).reshape(-1, 3, 16, inputs // 2, 2)
    return np.ascontiguousarray(panels.transpose(0, 3, 1, 2, 4))


def _unpacked(raw: memoryview, shape: tuple[int, ...]) -> Floats:
    outputs, inputs = shape
    panels = np.frombuffer(raw, "<u2", padded(outputs) * inputs).reshape(-1, inputs // 2, 3, 16, 2)
    return np.ascontiguousarray(_from_bfloat16(panels.transpose(0, 2, 3, 1, 4)).reshape(-1, inputs)[:outputs])


def _packed_int8(matrix: Floats) -> npt.NDArray[np.uint8]:
    outputs, inputs = matrix.shape
    whole = np.zeros((padded(outputs), inputs), np.float32)
    whole[:outputs] = matrix
    scales, numbers = _measured(whole)
    panels = np.ascontiguousarray(numbers.reshape(-1, 3, 16, inputs // 4, 4).transpose(0, 3, 1, 2, 4))
    sums = (numbers.sum(axis=1, keepdims=True) * scales).astype("<f4")
    return np.concatenate([part.view(np.uint8).reshape(-1) for part in (panels, scales, sums)])


def _unpacked_int8(raw: memoryview, shape: tuple[int, ...]) -> Floats:
    outputs, inputs = shape
    rows = padded(outputs)
    panels = np.frombuffer(raw, np.int8, rows * inputs).reshape(-1, inputs // 4, 3, 16, 4)
    scales = np.frombuffer(raw, "<f4", rows, rows * inputs).reshape(-1, 1)
    numbers = panels.transpose(0, 2, 3, 1, 4).reshape(rows, inputs)
    return np.ascontiguousarray((numbers * scales)[:outputs], dtype=np.float32)
