"""The onnx encoder: onnxruntime in float32, on weights that it packed once for this processor and maps from then on.

A sequence is run by itself, on one thread: its vector has the same bits alone or in any company. Several threads may
run at once; the scheduler shares texts out among them.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from services.embedding.engines.graph import IDS, VECTOR, Exact, write_graph
from services.embedding.engines.naming import fingerprint, of_precision
from services.embedding.engines.reading import Reader
from services.embedding.port import EngineMissing, Info, ModelUnusable, Passage, Purpose

if TYPE_CHECKING:
    from services.embedding.weights import Weights

__all__ = ["OnnxEncoder"]

_GRAPH, _PACKED = "model.onnx", "model.onnx.data"
_FEWEST = 1024
"""Bytes from which on a weight lies in the file beside the graph."""


class OnnxEncoder:
    """A model computed by onnxruntime; `exact` gives its weights in float32 the first time.

    Raises EngineMissing where onnxruntime is not installed, or cannot keep what it packed.
    """

    def __init__(self, weights: Weights, exact: Callable[[], Exact], max_tokens: int = 0) -> None:
        runtime = _runtime()
        self._reader = Reader(weights, max_tokens)
        folder = weights.folder / f"onnx-{_digest(weights, runtime.__version__)}"
        if not folder.is_dir():
            _pack(runtime, weights, exact, folder)
        options = _options(runtime)
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it was done when packing
        self._session = _session(runtime, folder / _GRAPH, options)
        self.info = Info(
            model=weights.name,
            engine="onnx",
            detail=f"onnxruntime {runtime.__version__}, float32{of_precision(weights)}",
            dimensions=weights.architecture.hidden,
            max_tokens=self._reader.max_tokens,
            fingerprint=fingerprint(weights, f"onnx {folder.name}", self._reader.max_tokens),
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
        return b"".join(self._vector(passage.ids) for passage in passages)

    def close(self) -> None:
        """What is mapped goes with the last who looks at it."""

    def _vector(self, ids: Sequence[int]) -> bytes:
        (row,) = self._session.run([VECTOR], {IDS: np.asarray(ids, np.int64)})
        return bytes(row.astype("<f4", copy=False).tobytes())


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineMissing("onnxruntime is not installed.", remedy="Run `scripts/setup memory`.") from error
    return onnxruntime


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return options


def _session(runtime: Any, path: Path, options: Any) -> Any:
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelUnusable(
            f"onnxruntime cannot run {path}: {error}.", remedy=f"Remove {path.parent}; it is made again."
        ) from error


def _pack(runtime: Any, weights: Weights, exact: Callable[[], Exact], folder: Path) -> None:
    """Write what onnxruntime makes of the graph, whole or not at all; what another version made goes."""
    try:
        with tempfile.TemporaryDirectory(prefix=".onnx-", dir=folder.parent) as name:
            stage, whole = Path(name), Path(name) / "whole"
            whole.mkdir()
            write_graph(weights.architecture, exact(), stage / "plain.onnx", stage / "plain.data")
            options = _options(runtime)
            options.optimized_model_filepath = str(whole / _GRAPH)
            for key, value in (
                ("session.optimized_model_external_initializers_file_name", _PACKED),
                ("session.optimized_model_external_initializers_min_size_in_bytes", str(_FEWEST)),
                ("session.save_external_prepacked_constant_initializers", "1"),
            ):
                options.add_session_config_entry(key, value)
            _session(runtime, stage / "plain.onnx", options)
            for old in folder.parent.glob("onnx-*"):
                shutil.rmtree(old, ignore_errors=True)
            whole.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was faster
            raise EngineMissing(
                f"What onnxruntime packed cannot be kept in {folder.parent}: {error.strerror or error}.",
                remedy="Give the folder room and permissions, or let numpy compute.",
            ) from error


def _digest(weights: Weights, version: str) -> str:
    """What stands for the weights and for who packed them; packing is for one kind of processor."""
    parts = (weights.sha256, version, platform.machine(), _processor())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """What the processor can do, as far as the system says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
