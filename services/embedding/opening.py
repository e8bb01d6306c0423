"""Opening a model: converted when that was not done yet, and run by the best engine that this machine has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from services.embedding.port import Encoder, EngineMissing, ModelUnusable, Ranker
from shared.cores import cores

if TYPE_CHECKING:
    from services.embedding.engines.gguf import OpenPooling, Pooling
    from services.embedding.engines.native import NativeEncoder
    from services.embedding.engines.onnx import OnnxEncoder
    from services.embedding.engines.reference import ReferenceEncoder
    from services.embedding.settings import EmbeddingSettings
    from services.embedding.weights import Weights
    from shared.pcm import Floats

    _Computed = NativeEncoder | OnnxEncoder | ReferenceEncoder

__all__ = ["CONVERTED", "GGUF", "open_encoder", "open_model", "open_ranker", "open_weights"]

CONVERTED = "converted"
"""Folder beside a model's own files that holds what `sotto models convert` makes of them."""
GGUF = ".gguf"
"""Ending of the files that are llama.cpp's."""
_SOURCE = "model.safetensors"
_METADATA = "metadata.json"


def open_model(path: Path, settings: EmbeddingSettings, pooling: OpenPooling | None = None) -> Encoder:
    """Return the model in a folder, or in a GGUF, which `pooling` opens; blocks, for seconds where it is converted.

    Raises ModelUnusable, or EngineMissing when the engine that the settings name cannot run here.
    """
    if path.suffix == GGUF:
        from services.embedding.engines.gguf import GgufEncoder

        return GgufEncoder(_pooled(path, settings, pooling))
    if open_weights(path).architecture.ranks:
        raise ModelUnusable(
            f"{path.name} compares two texts; it makes no vectors.", remedy="Name it to `sotto rerank --model`."
        )
    return open_encoder(path, settings)


def open_encoder(path: Path, settings: EmbeddingSettings) -> Encoder:
    """Return what encodes the model in a folder, even if it is the part of a cross-encoder below its head."""
    return _best(path, open_weights(path), settings)


def open_ranker(path: Path, settings: EmbeddingSettings, pooling: OpenPooling | None = None) -> Ranker:
    """Return the cross-encoder in a folder, or in a GGUF, which `pooling` opens; blocks. Raises like `open_model`."""
    if path.suffix == GGUF:
        from services.embedding.engines.gguf import GgufRanker

        return GgufRanker(_pooled(path, settings, pooling))
    from services.embedding.engines.cross import CrossEncoder

    weights = open_weights(path)
    return CrossEncoder(_best(path, weights, settings), weights)


def open_weights(folder: Path) -> Weights:
    """Return the weights in `folder`, converted first if need be. Raises ModelUnusable, or EngineMissing."""
    from services.embedding.weights import Weights

    return Weights(_converted(folder))


def _pooled(path: Path, settings: EmbeddingSettings, pooling: OpenPooling | None) -> Pooling:
    if pooling is None:
        raise EngineMissing(f"{path.name} wants llama.cpp, which is not at hand here.")
    if settings.engine != "auto":
        raise EngineMissing(
            f"{path.name} is computed by llama.cpp alone, not by {settings.engine}.",
            remedy="Set embedding.engine=auto.",
        )
    from shared.errors import SottoError

    try:
        return pooling(path, threads=settings.threads or cores(), max_tokens=settings.max_tokens)
    except SottoError as error:  # of the service that owns llama.cpp
        kind = EngineMissing if type(error).__name__ == EngineMissing.__name__ else ModelUnusable
        raise kind(error.message, remedy=error.remedy) from error


def _best(folder: Path, weights: Weights, settings: EmbeddingSettings) -> _Computed:
    """By the engine that the settings name, or the first of the ladder that can."""
    ladder: dict[str, Callable[[Weights, EmbeddingSettings], _Computed]]
    ladder = {"native": _native, "onnx": partial(_onnx, folder), "numpy": _numpy}
    if settings.engine != "auto":
        return ladder[settings.engine](weights, settings)
    for make in (ladder["native"], ladder["onnx"]):
        with contextlib.suppress(EngineMissing):
            return make(weights, settings)
    return _numpy(weights, settings)


def _native(weights: Weights, settings: EmbeddingSettings) -> NativeEncoder:
    from services.embedding.engines.native import NativeEncoder

    return NativeEncoder(weights, max_tokens=settings.max_tokens, threads=settings.threads or cores())


def _onnx(folder: Path, weights: Weights, settings: EmbeddingSettings) -> OnnxEncoder:
    """The exact weights where they are, else those that were converted."""
    from services.embedding.engines.onnx import OnnxEncoder

    def exact() -> Callable[[str], Floats]:
        if not (folder / _SOURCE).is_file():
            return weights.exact
        from services.embedding.convert import exact_weights

        return exact_weights(folder)

    return OnnxEncoder(weights, exact, settings.max_tokens)


def _numpy(weights: Weights, settings: EmbeddingSettings) -> ReferenceEncoder:
    from services.embedding.engines.reference import ReferenceEncoder

    return ReferenceEncoder(weights, settings.max_tokens)


def _converted(folder: Path) -> Path:
    """The folder with the converted files: this one, or the one in it, made anew when the source is younger."""
    if (folder / _METADATA).is_file():
        return folder
    source, target = folder / _SOURCE, folder / CONVERTED
    if not source.is_file():
        raise ModelUnusable(f"{folder} holds no model: {_SOURCE} is missing.", remedy="Pull the model again.")
    if not _younger(target / _METADATA, source):
        from services.embedding.apart import convert_apart

        convert_apart(folder, source, target)
    return target


def _younger(one: Path, other: Path) -> bool:
    return one.is_file() and one.stat().st_mtime_ns >= other.stat().st_mtime_ns
