"""A BERT encoder as an ONNX graph in float32: what others run, to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.embedding.architecture import Architecture
from services.embedding.safetensors import read_safetensors

__all__ = ["write_onnx"]


class _Graph:
    """Nodes and weights as they are added; each value is known by its name."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def linear(self, x: str, name: str) -> str:
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.add("Add", self.add("MatMul", x, weight), bias)

    def norm(self, x: str, name: str, epsilon: float) -> str:
        scale = self.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.add("LayerNormalization", x, scale, bias, epsilon=epsilon, axis=-1)


def write_onnx(source: Path, a: Architecture, path: Path) -> Path:
    """Write the graph from `ids` (batch, length) to `vectors` (batch, hidden), pooled by their mean.

    It has no attention mask, as all sequences of a batch have the same length: that favours it.
    """
    graph = _Graph(read_safetensors(source / "model.safetensors"))
    x = _embedded(graph, a)
    split = graph.constant("split", np.array([0, 0, a.heads, a.hidden // a.heads]))
    join = graph.constant("join", np.array([0, 0, a.hidden]))
    scale = graph.constant("scale", np.float32(1 / np.sqrt(a.hidden / a.heads)).reshape(1))
    for n in range(a.layers):
        own = f"encoder.layer.{n}."
        parts = [graph.linear(x, f"{own}attention.self.{part}") for part in ("query", "key", "value")]
        turns = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        q, k, v = (
            graph.add("Transpose", graph.add("Reshape", part, split), perm=perm)
            for part, perm in zip(parts, turns, strict=True)
        )
        shares = graph.add("Softmax", graph.add("Mul", graph.add("MatMul", q, k), scale), axis=-1)
        mixed = graph.add("Reshape", graph.add("Transpose", graph.add("MatMul", shares, v), perm=[0, 2, 1, 3]), join)
        x = _added(graph, x, graph.linear(mixed, f"{own}attention.output.dense"), f"{own}attention.output.LayerNorm", a)
        inner = graph.add("Gelu", graph.linear(x, f"{own}intermediate.dense"))
        x = _added(graph, x, graph.linear(inner, f"{own}output.dense"), f"{own}output.LayerNorm", a)
    pooled = graph.add("ReduceMean", x, graph.constant("tokens", np.array([1])), keepdims=0)
    graph.nodes.append(helper.make_node("LpNormalization", [pooled], ["vectors"], axis=-1, p=2))
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", a.hidden])]
    whole = helper.make_graph(graph.nodes, "bert", inputs, outputs, list(graph.initializers.values()))
    onnx.save(helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    return path


def _embedded(graph: _Graph, a: Architecture) -> str:
    table = graph.constant("words", graph.weights["embeddings.word_embeddings.weight"])
    kinds = graph.weights["embeddings.token_type_embeddings.weight"]
    places = graph.constant("positions", graph.weights["embeddings.position_embeddings.weight"] + kinds[0])
    length = graph.add("Shape", "ids", start=1, end=2)
    first, axis = graph.constant("first", np.array([0])), graph.constant("axis", np.array([0]))
    here = graph.add("Slice", places, first, length, axis)
    return graph.norm(graph.add("Add", graph.add("Gather", table, "ids"), here), "embeddings.LayerNorm", a.epsilon)


def _added(graph: _Graph, x: str, y: str, norm: str, a: Architecture) -> str:
    return graph.norm(graph.add("Add", x, y), norm, a.epsilon)
