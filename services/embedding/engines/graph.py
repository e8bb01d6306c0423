"""The graph of a BERT encoder for one sequence, in float32: from `ids` (length) to `vector` (hidden).

A vector has length 1, but for the first token's state, which the head of a cross-encoder takes as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from services.embedding.architecture import Architecture
from services.embedding.engines.onnxfile import OnnxFile
from shared.pcm import Floats

__all__ = ["IDS", "VECTOR", "Exact", "write_graph"]

IDS, VECTOR = "ids", "vector"

Exact = Callable[[str], Floats]
"""A weight by its name, in float32."""


def write_graph(a: Architecture, exact: Exact, path: Path, data: Path) -> None:
    """Write the graph, and the weights into `data` beside it; both are new."""
    file = OnnxFile(data)
    split = file.small("split", np.array([0, a.heads, a.hidden // a.heads]))
    join = file.small("join", np.array([-1, a.hidden]))
    scale = file.small("scale", np.array([(a.hidden / a.heads) ** -0.5], np.float32))
    graph = _Graph(file, a, exact)
    x, far = graph.embedded(), graph.distances() if a.relative else ""
    for n in range(a.layers):
        parts = file.add("Split", graph.linear(x, f"{n}.qkv"), outputs=3, axis=1, num_outputs=3)
        turns = ([1, 0, 2], [1, 2, 0], [1, 0, 2])
        q, k, v = (
            file.add("Transpose", file.add("Reshape", f"{parts}.{part}", split), perm=perm)
            for part, perm in enumerate(turns)
        )
        scores = file.add("Mul", file.add("MatMul", q, k), scale)
        shares = file.add("Softmax", file.add("Add", scores, far) if far else scores, axis=-1)
        mixed = file.add("Reshape", file.add("Transpose", file.add("MatMul", shares, v), perm=[1, 0, 2]), join)
        x = graph.normed(file.add("Add", x, graph.linear(mixed, f"{n}.out")), f"{n}.norm1")
        inner = file.add("Gelu", graph.linear(x, f"{n}.up"))
        x = graph.normed(file.add("Add", x, graph.linear(inner, f"{n}.down")), f"{n}.norm2")
    pooled = graph.pooled(x)
    file.finish(pooled if a.pooling == "first" else file.add("LpNormalization", pooled, axis=0, p=2), VECTOR)
    file.write(path, inputs=IDS, outputs=VECTOR, width=a.hidden)


class _Graph:
    """The parts of an encoder, with their weights."""

    def __init__(self, file: OnnxFile, a: Architecture, exact: Exact) -> None:
        self._file = file
        self._a = a
        self._exact = exact

    def embedded(self) -> str:
        file = self._file
        words, places = (file.constant(name, self._exact(name)) for name in ("word", "position"))
        first, axis = file.small("first", np.array([0])), file.small("axis", np.array([0]))
        here = file.add("Slice", places, first, file.add("Shape", IDS), axis)
        if not self._a.ranks:
            return self.normed(file.add("Add", file.add("Gather", words, IDS), here), "norm")
        count = file.small("words", np.array([self._a.words]))
        kind = file.add("Cast", file.add("Div", IDS, count), to=1)  # an id beyond the words is one of the second text
        second = file.constant("second", self._exact("second"))
        added = file.add("Mul", file.add("Unsqueeze", kind, file.small("column", np.array([1]))), second)
        known = file.add("Gather", words, file.add("Mod", IDS, count))
        return self.normed(file.add("Add", file.add("Add", known, here), added), "norm")

    def distances(self) -> str:
        """What is added to the scores, (heads, length, length): a corner of what is added for the longest text."""
        file, places = self._file, np.arange(self._a.positions)
        whole = self._exact("distance")[:, self._a.positions + places[None, :] - places[:, None]]
        length = file.add("Shape", IDS)
        corner = file.small("corner", np.array([0, 0])), file.add("Concat", length, length, axis=0)
        return file.add("Slice", file.constant("far", whole), *corner, file.small("both", np.array([1, 2])))

    def linear(self, x: str, name: str) -> str:
        matrix = self._exact(f"{name}.weight")
        weight = self._file.constant(f"{name}.weight", matrix.T)
        bias = self._file.constant(f"{name}.bias", self._exact(f"{name}.bias")[: len(matrix)])
        return self._file.add("Add", self._file.add("MatMul", x, weight), bias)

    def normed(self, x: str, name: str) -> str:
        gain, shift = (
            self._file.constant(f"{name}.{part}", self._exact(f"{name}.{part}")) for part in ("weight", "bias")
        )
        return self._file.add("LayerNormalization", x, gain, shift, epsilon=self._a.epsilon, axis=-1)

    def pooled(self, x: str) -> str:
        file = self._file
        if self._a.pooling == "mean":
            return file.add("ReduceMean", x, file.small("tokens", np.array([0])), keepdims=0)
        place = file.small("place", np.array({"cls": 0, "first": 0, "last": -1}[self._a.pooling]))
        return file.add("Gather", x, place, axis=0)
