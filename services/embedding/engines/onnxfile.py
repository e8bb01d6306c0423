"""An ONNX file as it is written: nodes, and weights in a file of their own beside it. Needs no library.

As much of the format (onnx/onnx: onnx.proto, version 9 with operator set 20) as the graph of an encoder needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["OnnxFile"]

_IR_VERSION, _OPERATORS = 9, 20
_FLOAT, _INT64 = 1, 7
_EXTERNAL = 1
_TYPES = {np.dtype(np.float32): _FLOAT, np.dtype(np.int64): _INT64}
_A_FLOAT, _AN_INT, _INTS = 1, 2, 7
"""Kinds of attributes."""
_BOUNDARY = 64

Values = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Attribute = float | int | Sequence[int]


class OnnxFile:
    """Nodes and weights as they are added, each value known by its name; weights go to `data` at once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._end = 0
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Attribute) -> str:
        """Add a node, and return the name of its output; of several, what they begin with."""
        name = f"v{len(self._nodes)}"
        names = [name] if outputs == 1 else [f"{name}.{n}" for n in range(outputs)]
        self._nodes.append(_node(operator, inputs, names, attributes))
        return name

    def finish(self, value: str, name: str) -> None:
        """Give a value the name of an output."""
        self._nodes.append(_node("Identity", [value], [name], {}))

    def constant(self, name: str, values: Values) -> str:
        """Add a weight, and return its name."""
        raw = np.ascontiguousarray(values).tobytes()
        place = {"location": self._data.name, "offset": str(self._end), "length": str(len(raw))}
        with self._data.open("ab") as file:
            file.write(raw + bytes(-len(raw) % _BOUNDARY))
            self._end = file.tell()
        said = b"".join(_number(1, size) for size in values.shape) + _number(2, _TYPES[values.dtype]) + _text(8, name)
        told = b"".join(_bytes(13, _text(1, key) + _text(2, value)) for key, value in place.items())
        self._weights.append(said + told + _number(14, _EXTERNAL))
        return name

    def small(self, name: str, values: Values) -> str:
        """Add a constant that is looked at when the graph is read, as a shape is."""
        said = b"".join(_number(1, size) for size in values.shape) + _number(2, _TYPES[values.dtype]) + _text(8, name)
        self._weights.append(said + _bytes(9, np.ascontiguousarray(values).tobytes()))
        return name

    def write(self, path: Path, *, inputs: str, outputs: str, width: int) -> None:
        """Write the graph from whole numbers `inputs` (any length) to floats `outputs` (width)."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, "encoder")
        graph += b"".join(_bytes(5, weight) for weight in self._weights)
        graph += _bytes(11, _value(inputs, _INT64, _text(2, "length"))) + _bytes(
            12, _value(outputs, _FLOAT, _number(1, width))
        )
        model = _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, _OPERATORS))
        path.write_bytes(model)


def _node(operator: str, inputs: Iterable[str], outputs: Iterable[str], attributes: dict[str, Attribute]) -> bytes:
    said = b"".join(_text(1, name) for name in inputs) + b"".join(_text(2, name) for name in outputs)
    return (
        said + _text(4, operator) + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _number(20, _A_FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _AN_INT)
    return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, _INTS)


def _value(name: str, kind: int, dimension: bytes) -> bytes:
    """A value of one dimension."""
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, _bytes(1, dimension))))


# ---- protobuf's wire format: a key, then a whole number or so many bytes


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value & (1 << 64) - 1)


def _bytes(field: int, raw: bytes) -> bytes:
    return _key(field, 2) + _varint(len(raw)) + raw


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _varint(value: int) -> bytes:
    raw = bytearray()
    while value > 127:
        raw.append(value & 127 | 128)
        value >>= 7
    return bytes([*raw, value])
