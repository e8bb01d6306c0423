"""An Arrow IPC file of tensors, read where it lies: as much of the format as one uncompressed record batch needs.

Needs no library. The format is the file layout and the flatbuffers of the Arrow columnar format, version 1.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["SCHEMA", "NotThisArrow", "Tensor", "tensors"]

SCHEMA = ("layer_name", "shape", "dtype", "data", "num_params")
_TYPES = (5, 12, 5, 19, 2)
"""utf8, list, utf8, large binary, int."""
_MAGIC = b"ARROW1"
_BUFFERS = 15
_NAME, _SHAPE, _DTYPE, _DATA, _PARAMS = 0, 3, 7, 10, 13
"""The first buffer of each column: validity, then offsets (if any), then values (of a list: its child's two)."""


class NotThisArrow(ValueError):
    """The bytes are no Arrow file, or one of another schema; says what is wrong."""


class Tensor(NamedTuple):
    """A tensor and the bytes of the file that hold it."""

    offset: int
    bytes: int
    shape: tuple[int, ...]
    dtype: str
    parameters: int


class _Bytes:
    """Little-endian values at places that are checked to be inside."""

    def __init__(self, raw: memoryview) -> None:
        self.raw = raw

    def at(self, form: str, place: int) -> int:
        if place < 0:
            raise NotThisArrow("a place lies before its start")
        (value,) = struct.unpack_from(f"<{form}", self.raw, place)
        return int(value)

    def many(self, form: str, place: int, count: int) -> tuple[int, ...]:
        if place < 0 or not 0 <= count <= len(self.raw):
            raise NotThisArrow("a place lies outside of it")
        return struct.unpack_from(f"<{count}{form}", self.raw, place)

    def field(self, table: int, number: int) -> int:
        """Place of a flatbuffer table's field; 0 when it is left out."""
        vtable = table - self.at("i", table)
        slot = 4 + 2 * number
        offset = self.at("H", vtable + slot) if slot < self.at("H", vtable) else 0
        return table + offset if offset else 0

    def follow(self, place: int) -> int:
        """Where an offset points to."""
        if not place:
            raise NotThisArrow("a field is left out")
        return place + self.at("I", place)

    def vector(self, table: int, number: int) -> tuple[int, int]:
        """Place of a vector's first element, and how many it has."""
        place = self.follow(self.field(table, number))
        return place + 4, self.at("I", place)


def tensors(raw: memoryview) -> dict[str, Tensor]:
    """Return the tensors of a file by name, in its order. Raises NotThisArrow."""
    try:
        return dict(_rows(_Bytes(raw)))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise NotThisArrow(f"it ends early or is damaged ({error})") from error


def _rows(file: _Bytes) -> Iterator[tuple[str, Tensor]]:
    size = len(file.raw)
    if size < 20 or bytes(file.raw[:6]) != _MAGIC or bytes(file.raw[-6:]) != _MAGIC:
        raise NotThisArrow("it is no whole Arrow file")
    length = file.at("i", size - 10)
    footer = file.follow(size - 10 - length)
    _check_schema(file, footer)
    count, buffers = _batch(file, footer)
    names, dtypes = _texts(file, buffers, _NAME, count), _texts(file, buffers, _DTYPE, count)
    edges = file.many("i", buffers[_SHAPE + 1][0], count + 1)
    shapes = file.many("i", buffers[_SHAPE + 3][0], edges[-1])
    ends = file.many("q", buffers[_DATA + 1][0], count + 1)
    parameters = file.many("q", buffers[_PARAMS + 1][0], count)
    start, room = buffers[_DATA + 2]
    if any(one > two for one, two in itertools.pairwise(ends)) or ends[0] < 0 or ends[-1] > room:
        raise NotThisArrow("its data overlap")
    for n in range(count):
        shape = shapes[edges[n] : edges[n + 1]]
        yield names[n], Tensor(start + ends[n], ends[n + 1] - ends[n], shape, dtypes[n], parameters[n])


def _check_schema(file: _Bytes, footer: int) -> None:
    schema = file.follow(file.field(footer, 1))
    first, count = file.vector(schema, 1)
    fields = [file.follow(first + 4 * n) for n in range(min(count, 99))]
    names = tuple(_string(file, file.follow(file.field(field, 0))) for field in fields)
    types = tuple(file.at("B", file.field(field, 2)) for field in fields)
    if names != SCHEMA or types != _TYPES:
        raise NotThisArrow(f"its columns are {', '.join(names)}, not {', '.join(SCHEMA)}")


def _batch(file: _Bytes, footer: int) -> tuple[int, list[tuple[int, int]]]:
    """Number of rows, and place and size of each buffer."""
    first, count = file.vector(footer, 3)
    if count != 1:
        raise NotThisArrow(f"it has {count} record batches, not one")
    start, length = file.at("q", first), file.at("i", first + 8)
    message = file.follow(start + 8)
    batch = file.follow(file.field(message, 2))
    if file.field(batch, 3):
        raise NotThisArrow("it is compressed")
    place, buffers = file.vector(batch, 2)
    if buffers != _BUFFERS:
        raise NotThisArrow("its columns are not the ones that were announced")
    numbers = file.many("q", place, 2 * buffers)
    body = start + length
    found = [(body + at, size) for at, size in zip(numbers[::2], numbers[1::2], strict=True)]
    if any(at < 0 or size < 0 or at + size > len(file.raw) for at, size in found):
        raise NotThisArrow("a column lies outside of it")
    return file.at("q", file.field(batch, 0)), found


def _texts(file: _Bytes, buffers: list[tuple[int, int]], first: int, count: int) -> list[str]:
    edges = file.many("i", buffers[first + 1][0], count + 1)
    start = buffers[first + 2][0]
    return [bytes(file.raw[start + edges[n] : start + edges[n + 1]]).decode() for n in range(count)]


def _string(file: _Bytes, place: int) -> str:
    return bytes(file.raw[place + 4 : place + 4 + file.at("I", place)]).decode()
