"""The native encoder: the C kernel on weights that are used where they lie in the mapped file.

The same bits alone, in any batch, on any number of threads and after every restart, on one kind of processor: the
kernel computes each text by itself, in one order. The interpreter's lock is released while it computes.
"""

from __future__ import annotations

import ctypes
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.embedding.architecture import POOLINGS
from services.embedding.engines.compiling import compiled
from services.embedding.engines.naming import fingerprint
from services.embedding.engines.reading import Reader
from services.embedding.port import EngineMissing, Info, ModelUnusable, Passage, Purpose

if TYPE_CHECKING:
    from services.embedding.weights import Weights

__all__ = ["INT8_LEVELS", "LEVELS", "Kernel", "NativeEncoder"]

LEVELS = ("plain", "avx2", "avx512", "bf16")
"""Variants of the kernel for bfloat16 weights, each better than the one before; `bf16` multiplies them as they are."""
INT8_LEVELS = ("int8", "vnni")
"""Those for int8 weights: plain C, and the processor's instructions for it."""
_DETAILS = {
    "plain": "plain C",
    "avx2": "AVX2",
    "avx512": "AVX-512",
    "bf16": "AVX-512 bfloat16",
    "int8": "int8 in plain C",
    "vnni": "int8, AVX-512 VNNI",
}
"""By the kernel's own numbers for them."""
_BFLOAT16, _INT8 = "bfloat16/48x2", "int8/48x4"
_WORDS = {_BFLOAT16: "float16", _INT8: "int8"}
"""How matrices may be packed, and the table of words beside them."""
_LANES, _PANEL = 16, 48
_WRONG = {-1: "a text of no token or of too many", -2: "a token that the model does not know"}

_Pointer = ctypes.c_void_p


class _Linear(ctypes.Structure):
    _fields_ = [(name, _Pointer) for name in ("weight", "bias", "scale", "sum")]


class _Layer(ctypes.Structure):
    _fields_ = [
        *((name, _Linear) for name in ("qkv", "out", "up", "down")),
        *((name, _Pointer) for name in ("gain1", "shift1", "gain2", "shift2")),
    ]


class _Model(ctypes.Structure):
    _fields_ = [
        *((n, ctypes.c_int32) for n in ("hidden", "inner", "heads", "layers", "positions", "words", "pooling")),
        ("epsilon", ctypes.c_float),
        *((name, _Pointer) for name in ("word", "position", "second", "distance", "gain", "shift")),
        ("layer", ctypes.POINTER(_Layer)),
    ]


class Kernel:
    """The compiled library. Raises EngineMissing where it cannot be made or run."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or compiled()
        try:
            library = ctypes.CDLL(str(self.path))
        except OSError as error:
            raise EngineMissing(f"The kernel cannot be loaded: {error}.", remedy="Let numpy compute.") from error
        levels = library.sotto_levels()
        known = [name for n, name in enumerate(_DETAILS) if levels >> n & 1]
        self.levels = tuple(name for name in known if name in LEVELS)
        """What this processor can run on bfloat16, the best last."""
        self.int8_levels = tuple(name for name in known if name in INT8_LEVELS)
        self.encode = library.sotto_encode
        self.encode.argtypes = [ctypes.c_int32, *[_Pointer] * 4, ctypes.c_int32, _Pointer, ctypes.c_int32]
        self.crew = library.sotto_crew
        self.crew.argtypes = [ctypes.c_int32]
        self.new_scratch = library.sotto_scratch_new
        self.new_scratch.argtypes, self.new_scratch.restype = [_Pointer, ctypes.c_int32], _Pointer
        self.free_scratch = library.sotto_scratch_free
        self.free_scratch.argtypes, self.free_scratch.restype = [_Pointer], None

    def number(self, packed: str, level: str) -> int:
        """Return the number of a variant for weights that are packed so, or of the best. Raises EngineMissing."""
        able = self.levels if packed == _BFLOAT16 else self.int8_levels
        if not level and able == ("int8",):
            raise EngineMissing("This processor has no instructions for int8.", remedy="Convert the model with bf16.")
        if level and level not in able:
            raise EngineMissing(f"{level} cannot compute weights of {packed} here.", remedy="Let the best be taken.")
        return list(_DETAILS).index(level or able[-1])


class NativeEncoder:
    """A model computed by the kernel; `level` forces a variant. Raises EngineMissing for what cannot be computed so.

    Up to `threads` share the work on a text that is encoded alone, while no other call computes.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        max_tokens: int = 0,
        threads: int = 1,
        level: str = "",
        kernel: Kernel | None = None,
    ) -> None:
        packed = _checked(weights)
        self._kernel = kernel or Kernel()
        self._number = self._kernel.number(packed, level)
        self._kernel.crew(threads)
        self._threads = threads
        self.level = list(_DETAILS)[self._number]
        """The variant of the kernel that computes."""
        self._weights = weights
        self._reader = Reader(weights, max_tokens)
        self._base = (ctypes.c_char * len(weights.map)).from_buffer(weights.map)
        self._layers, self._model = _described(weights, ctypes.addressof(self._base))
        self._at = ctypes.addressof(self._model)
        self._scratch: deque[int] = deque()
        self._size = 4 * weights.architecture.hidden
        self.info = Info(
            model=weights.name,
            engine="native",
            detail=_DETAILS[self.level],
            dimensions=weights.architecture.hidden,
            max_tokens=self._reader.max_tokens,
            fingerprint=fingerprint(weights, f"native 2 {self.level}", self._reader.max_tokens),
            meaning=True,
        )

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        return self._reader.at_once(texts, purpose)

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        return self._reader.read(texts, purpose)

    def pairs(self, query: str, texts: Sequence[str]) -> list[Passage]:
        """Return the query with each text, as a cross-encoder reads them."""
        return self._reader.pairs(query, texts)

    def encode(self, passages: Sequence[Passage]) -> bytes:
        ids, starts = array("i"), array("i", (0,))
        for passage in passages:
            ids.extend(passage.ids)
            starts.append(len(ids))
        out = bytearray(self._size * len(passages))
        if passages:
            self._run(ids, starts, (ctypes.c_char * len(out)).from_buffer(out))
        return bytes(out)

    def close(self) -> None:
        """Give the memory of the threads back; the file is unmapped when nobody looks at it any more."""
        while self._scratch:
            self._kernel.free_scratch(self._scratch.pop())

    def __del__(self) -> None:
        if hasattr(self, "_scratch"):
            self.close()

    def _run(self, ids: array[int], starts: array[int], out: ctypes.Array[ctypes.c_char]) -> None:
        texts = (ids.buffer_info()[0], starts.buffer_info()[0], len(starts) - 1)
        scratch = self._taken()
        try:
            wrong = self._kernel.encode(self._number, self._at, scratch, *texts, out, self._threads)
        finally:
            self._scratch.append(scratch)
        if wrong:
            raise ValueError(f"the kernel was given {_WRONG.get(wrong, 'a level that cannot run')}")

    def _taken(self) -> int:
        """Memory to compute in, of which there is as much as there are threads that compute at a time."""
        try:
            return self._scratch.pop()
        except IndexError:
            pass
        made = self._kernel.new_scratch(self._at, self._weights.architecture.positions)
        if not made:
            raise MemoryError("there is no memory to compute in")
        return int(made)


def _checked(weights: Weights) -> str:
    """Return how the matrices are packed; refuse what the kernel would read wrongly.

    Raises EngineMissing, for numpy can compute it, or ModelUnusable.
    """
    a = weights.architecture
    packed = weights.tensors["0.qkv.weight"].dtype
    if packed not in _WORDS or weights.tensors["word"].dtype != _WORDS[packed]:
        raise EngineMissing(f"{weights.name} is not packed for the kernel.", remedy="Convert it with bf16 or int8.")
    if a.hidden % _LANES or a.inner % _LANES or (a.hidden // a.heads) % _LANES:
        raise EngineMissing(f"The kernel wants sizes that {_LANES} divides; {weights.name} has others.")
    for name, tensor in weights.tensors.items():
        wanted = packed if name.endswith((".qkv.weight", ".out.weight", ".up.weight", ".down.weight")) else "float32"
        if name not in ("word", "padding") and (tensor.dtype != wanted or tensor.offset % 64):
            raise ModelUnusable(f"{weights.name}: {name} is not as the kernel wants it.", remedy="Convert it again.")
    return packed


def _described(weights: Weights, base: int) -> tuple[ctypes.Array[_Layer], _Model]:
    """The model in the kernel's terms; the layers have to live as long."""
    a = weights.architecture

    def at(name: str) -> int:
        return base + weights.tensors[name].offset

    def linear(name: str) -> _Linear:
        weight = at(f"{name}.weight")
        outputs, inputs = weights.tensors[f"{name}.weight"].shape
        rows = -(-outputs // _PANEL) * _PANEL
        scale = weight + rows * inputs  # looked at with int8 only
        return _Linear(weight, at(f"{name}.bias"), scale, scale + 4 * rows)

    layers = (_Layer * a.layers)()
    for n, layer in enumerate(layers):
        for name in ("qkv", "out", "up", "down"):
            setattr(layer, name, linear(f"{n}.{name}"))
        layer.gain1, layer.shift1 = at(f"{n}.norm1.weight"), at(f"{n}.norm1.bias")
        layer.gain2, layer.shift2 = at(f"{n}.norm2.weight"), at(f"{n}.norm2.bias")
    sizes = (a.hidden, a.inner, a.heads, a.layers, a.positions, a.words, POOLINGS.index(a.pooling))
    second = at("second") if a.ranks else None
    distance = at("distance") if a.relative else None
    places = (at("word"), at("position"), second, distance, at("norm.weight"), at("norm.bias"))
    return layers, _Model(*sizes, a.epsilon, *places, layers)
