"""A GGUF file's own account of itself, read without loading it: kind, size, vocabulary, template, licence.

The layout is that of ggml-org/ggml: docs/gguf.md. Nothing of a file is believed before it was checked against the
file's length.
"""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import SottoError

__all__ = ["Gguf", "GgufUnreadable", "parts_of", "read_gguf"]

_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""struct's letters for the types of values."""
_STRING, _ARRAY = 8, 9
_VERSIONS = (2, 3)
_DEEPEST = 4
_MOST_LAYERS = 4096
"""Of a longer array, only how long it is is kept."""
_FIRST_PART = re.compile(r"(.+)-00001-of-(\d{5})\.gguf")

_TENSORS: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""Name, and how many values take how many bytes."""


class GgufUnreadable(SottoError):
    """It is no whole GGUF file; the message says why."""


@dataclass(frozen=True, slots=True)
class _Array:
    length: int
    numbers: tuple[float, ...] = ()
    """Of each layer; empty for an array of anything else."""


@dataclass(frozen=True, slots=True)
class Gguf:
    """What a file says of itself."""

    architecture: str
    name: str
    parameters: int
    quantisation: str
    """The type that most parameters have."""
    context: int
    """Tokens it was trained for; 0 when it does not say."""
    layers: int
    vocabulary: int
    """Tokens."""
    template: str
    """The chat template's Jinja source; empty when there is none."""
    licence: str
    bytes: int
    """Of this file."""
    token_bytes: int
    """Memory for the keys and values of one token of context."""
    template_sha256: str
    vocabulary_sha256: str

    def memory(self, context: int, sequences: int = 1) -> int:
        """Return about how many bytes it takes in use: weights, the context of so many answers, and room to compute."""
        tokens = min(context, self.context or context)
        return self.bytes + sequences * tokens * self.token_bytes + 512 * self.vocabulary * 4 + self.bytes // 20


def parts_of(path: Path) -> tuple[Path, ...]:
    """The files of the model that this is the first file of, by their names: itself alone unless it came in parts."""
    first = _FIRST_PART.fullmatch(path.name)
    if first is None:
        return (path,)
    name, count = first.groups()
    return tuple(path.with_name(f"{name}-{number:05}-of-{count}.gguf") for number in range(1, int(count) + 1))


def read_gguf(path: Path) -> Gguf:
    """Return what the file says of itself; it blocks. Raises GgufUnreadable."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head != b"GGUF":
                what = f"it begins with {head!r}" if head else "it is empty (0 bytes)"
                raise _unreadable(path, f"it is no GGUF file: {what}")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reading(path, data).account()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _unreadable(path: Path, reason: str) -> GgufUnreadable:
    return GgufUnreadable(f"{path.name} cannot be used: {reason}.", remedy="Pull or copy it again.")


class _Reading:
    """One pass over the header."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._at = 4
        self._values: dict[str, object] = {}
        self._words = hashlib.sha256()
        self._vocabulary = 0

    def account(self) -> Gguf:
        version = self._number("I")
        if version not in _VERSIONS:
            raise _unreadable(self._path, f"it is of GGUF version {version}, and {_VERSIONS} are known")
        tensors, pairs = self._number("Q"), self._number("Q")
        for _ in range(pairs):
            self._pair()
        types, end = self._tensors(tensors)
        size = len(self._data)
        if end > size:
            raise _unreadable(self._path, f"it is cut off: {size:,} bytes of {end:,}")
        kind = self._text("general.architecture")
        heads = max((1, *self._of_layers(f"{kind}.attention.head_count")))
        keys = self._int(f"{kind}.attention.key_length") or self._int(f"{kind}.embedding_length") // heads
        layers = self._int(f"{kind}.block_count")
        shared = self._of_layers(f"{kind}.attention.head_count_kv") or (heads,)
        template = self._text("tokenizer.chat_template")
        return Gguf(
            architecture=kind,
            name=self._text("general.name"),
            parameters=types.total(),
            quantisation=types.most_common(1)[0][0] if types else "",
            context=self._int(f"{kind}.context_length"),
            layers=layers,
            vocabulary=self._vocabulary,
            template=template,
            licence=self._text("general.license.name") or self._text("general.license"),
            bytes=size,
            token_bytes=(sum(shared) if len(shared) > 1 else layers * shared[0]) * keys * 2 * 2,
            template_sha256=hashlib.sha256(template.encode()).hexdigest() if template else "",
            vocabulary_sha256=self._words.hexdigest(),
        )

    def _pair(self) -> None:
        key = self._string()
        began = self._at
        value = self._value(self._number("I"), 0)
        if key.startswith("tokenizer.") and key != "tokenizer.chat_template":
            self._words.update(key.encode() + b"\0" + self._data[began : self._at])
        if key == "tokenizer.ggml.tokens" and isinstance(value, _Array):
            self._vocabulary = value.length
        else:
            self._values[key] = value

    def _value(self, kind: int, depth: int) -> object:
        """A number, a text, or an array."""
        if kind == _STRING:
            return self._string()
        if kind in _FIXED:
            return self._number(_FIXED[kind])
        if kind != _ARRAY or depth > _DEEPEST:
            raise _unreadable(self._path, f"its header holds a value of an unknown type ({kind})")
        inner, count = self._number("I"), self._number("Q")
        if inner in _FIXED:
            began = self._at
            self._skip(count * struct.calcsize(_FIXED[inner]))
            if count <= _MOST_LAYERS:
                return _Array(count, struct.unpack_from(f"<{count}{_FIXED[inner]}", self._data, began))
        else:
            self._within(count)
            for _ in range(count):
                self._skip(self._number("Q")) if inner == _STRING else self._value(inner, depth + 1)
        return _Array(count)

    def _tensors(self, count: int) -> tuple[Counter[str], int]:
        """Parameters by type, and where the last tensor ends."""
        types: Counter[str] = Counter()
        end = 0
        for _ in range(count):
            self._string()
            values = 1
            for _ in range(self._number("I")):
                values *= self._number("Q")
            kind, offset = self._number("I"), self._number("Q")
            name, block, size = _TENSORS.get(kind, (f"type {kind}", 1, 0))
            types[name] += values
            end = max(end, offset + values // block * size)
        step = self._int("general.alignment") or 32
        return types, -(-self._at // step) * step + end if types else self._at

    def _number(self, letter: str) -> int:
        size = struct.calcsize(letter)
        began = self._at
        self._skip(size)
        (value,) = struct.unpack_from(f"<{letter}", self._data, began)
        return value  # type: ignore[no-any-return]  # a float or a bool does as well

    def _string(self) -> str:
        size = self._number("Q")
        began = self._at
        self._skip(size)
        return self._data[began : self._at].decode(errors="replace")

    def _skip(self, count: int) -> None:
        self._within(count)
        self._at += count

    def _within(self, count: int) -> None:
        if self._at + count > len(self._data):
            raise _unreadable(self._path, f"it is cut off within its header, after {len(self._data):,} bytes")

    def _text(self, key: str) -> str:
        value = self._values.get(key, "")
        return value if isinstance(value, str) else ""

    def _int(self, key: str) -> int:
        value = self._values.get(key, 0)
        return value if isinstance(value, int) else 0

    def _of_layers(self, key: str) -> tuple[int, ...]:
        """What it is in each layer, or in every one; empty where the file says nothing of it."""
        value = self._values.get(key, 0)
        numbers = value.numbers if isinstance(value, _Array) else (value,)
        return tuple(number for number in numbers if isinstance(number, int)) if any(numbers) else ()
