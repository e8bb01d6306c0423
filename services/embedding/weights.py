"""Weights: a converted model's files, mapped and not read; refused where they are not what its metadata says.

The SHA-256 of the whole file is computed when the file is new or was touched since; that it was right is noted beside
it with the file's size, number and time of last change, so that the next process opens it in a millisecond.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.embedding.architecture import POOLINGS, Architecture, read_json
from services.embedding.arrow import NotThisArrow, Tensor, tensors
from services.embedding.port import ModelUnusable

if TYPE_CHECKING:
    from shared.pcm import Floats

__all__ = ["FORMAT", "METADATA", "TOKENIZER", "WEIGHTS", "WORDS", "Weights", "sha256_of"]

FORMAT = 1
WEIGHTS = "model.arrow"
METADATA = "metadata.json"
TOKENIZER = "tokenizer.json"
WORDS = "words.json"
"""What plain text is read with; some models have none."""
_CHECKED = "checked.json"
_AGAIN = "Run `sotto models convert` on the model again."


class Weights:
    """An open model file. Raises ModelUnusable for another format, a wrong hash, schema or shape."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        metadata = read_json(folder / METADATA)
        if metadata.get("format") != FORMAT:
            raise ModelUnusable(f"{folder} is of another format than {FORMAT}.", remedy=_AGAIN)
        try:
            self.architecture = Architecture(**metadata["architecture"])
            self.name = str(metadata["name"])
            self.precision = str(metadata["precision"])
            """What the weights were converted to."""
            self.sha256 = str(metadata["sha256"][WEIGHTS])
            self.tokenizer_sha256 = str(metadata["sha256"][TOKENIZER])
            self.words_sha256 = str(metadata["sha256"].get(WORDS, ""))
            stated = {name: (entry["offset"], entry["bytes"]) for name, entry in metadata["tensors"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelUnusable(f"{folder / METADATA} lacks {error}.", remedy=_AGAIN) from error
        self.map = self._mapped()
        self.tensors = self._found(stated)
        self._check_shapes()
        self._check_hash()

    def tokenizer(self) -> bytes:
        """Return tokenizer.json. Raises ModelUnusable when it is another model's."""
        return self._told(TOKENIZER, self.tokenizer_sha256)

    def words(self) -> bytes | None:
        """Return what plain text is read with, if that was written. Raises ModelUnusable when it is another model's."""
        return self._told(WORDS, self.words_sha256) if self.words_sha256 else None

    def _told(self, file: str, sha256: str) -> bytes:
        raw = _read(self.folder / file)
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise ModelUnusable(f"{self.folder / file} is not the tokeniser of {self.name}.", remedy=_AGAIN)
        return raw

    def bytes_of(self, name: str) -> memoryview:
        """The bytes of a tensor, where they lie in the file."""
        tensor = self.tensors[name]
        return memoryview(self.map)[tensor.offset : tensor.offset + tensor.bytes]

    def exact(self, name: str) -> Floats:
        """A tensor in float32, as exact as it was stored."""
        from services.embedding.packing import from_stored

        tensor = self.tensors[name]
        return from_stored(self.bytes_of(name), tensor.shape, tensor.dtype)

    def _mapped(self) -> mmap.mmap:
        path = self.folder / WEIGHTS
        try:
            with path.open("rb") as file:
                # Private, so that its address can be had; nobody writes, and its pages stay those of the file.
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError) as error:
            raise ModelUnusable(f"{path} cannot be opened: {error}.", remedy=_AGAIN) from error

    def _found(self, stated: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
        path = self.folder / WEIGHTS
        try:
            found = tensors(memoryview(self.map))
        except NotThisArrow as error:
            raise ModelUnusable(f"{path} cannot be used: {error}.", remedy=_AGAIN) from error
        if {name: (at.offset, at.bytes) for name, at in found.items()} != stated:
            raise ModelUnusable(f"{path} has its tensors elsewhere than {METADATA} says.", remedy=_AGAIN)
        return found

    def _check_shapes(self) -> None:
        for name, shape in expected_shapes(self.architecture).items():
            tensor = self.tensors.get(name)
            if tensor is None or tensor.shape != shape:
                got = "is missing" if tensor is None else f"has the shape {tensor.shape}"
                raise ModelUnusable(f"{self.folder / WEIGHTS}: {name} {got}, not {shape}.", remedy=_AGAIN)
            if tensor.bytes < _bytes(tensor):
                raise ModelUnusable(f"{self.folder / WEIGHTS}: {name} is cut short.", remedy=_AGAIN)

    def _check_hash(self) -> None:
        path = self.folder / WEIGHTS
        status = path.stat()
        now = {"sha256": self.sha256, "bytes": status.st_size, "inode": status.st_ino, "changed": status.st_ctime_ns}
        if _note(self.folder) == now:
            return
        found = hashlib.sha256(self.map).hexdigest()
        if found != self.sha256:
            raise ModelUnusable(f"{path} is damaged: its SHA-256 is {found}, not {self.sha256}.", remedy=_AGAIN)
        try:
            (self.folder / _CHECKED).write_text(json.dumps(now), encoding="utf-8")
        except OSError:
            return  # a folder that is only readable is checked each time


def expected_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor that a model of the architecture has. Raises ModelUnusable for one that cannot be."""
    sizes = (a.hidden, a.inner, a.heads, a.layers, a.positions, a.words, a.max_tokens)
    if any(type(size) is not int or not 0 < size < 1 << 24 for size in sizes) or a.pooling not in POOLINGS:
        raise ModelUnusable("The model's architecture is not one that can be computed.", remedy=_AGAIN)
    row = (a.hidden,)
    shapes: dict[str, tuple[int, ...]] = {"word": (a.words, a.hidden), "position": (a.positions, a.hidden)}
    shapes |= {"norm.weight": row, "norm.bias": row}
    linears = {"qkv": (3 * a.hidden, a.hidden), "out": (a.hidden, a.hidden)}
    linears |= {"up": (a.inner, a.hidden), "down": (a.hidden, a.inner)}
    for n in range(a.layers):
        for name, (outputs, inputs) in linears.items():
            shapes |= {f"{n}.{name}.weight": (outputs, inputs), f"{n}.{name}.bias": (-(-outputs // 48) * 48,)}
        shapes |= {f"{n}.{norm}.{part}": row for norm in ("norm1", "norm2") for part in ("weight", "bias")}
    if a.relative:
        shapes["distance"] = (a.heads, 2 * a.positions + 17)
    if a.ranks:
        shapes |= {"second": row, "pooler.weight": (a.hidden, a.hidden), "pooler.bias": row}
        shapes |= {"classifier.weight": (1, a.hidden), "classifier.bias": (1,)}
    return shapes


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_WIDTH = {"float32": 4, "float16": 2, "bfloat16": 2}


def _bytes(tensor: Tensor) -> int:
    """The least that a tensor of the shape and type takes. Raises ModelUnusable for an unknown type."""
    count = 1
    for size in tensor.shape:
        count *= size
    if tensor.dtype == "bfloat16/48x2":
        outputs, inputs = tensor.shape
        return -(-outputs // 48) * 48 * inputs * 2
    if tensor.dtype == "int8/48x4":
        outputs, inputs = tensor.shape
        return -(-outputs // 48) * 48 * (inputs + 8)
    if tensor.dtype == "int8":
        return count + 4 * tensor.shape[0]
    if tensor.dtype not in _WIDTH:
        raise ModelUnusable(f"Tensors of type {tensor.dtype} cannot be used.", remedy=_AGAIN)
    return count * _WIDTH[tensor.dtype]


def _note(folder: Path) -> dict[str, Any]:
    """What was found right before."""
    try:
        noted = json.loads((folder / _CHECKED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror}.", remedy=_AGAIN) from error
