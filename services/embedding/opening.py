"""Opening a model: converted when that was not done yet, and run by the best engine that this machine has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from services.embedding.port import Encoder, EngineMissing, ModelUnusable

if TYPE_CHECKING:
    from services.embedding.settings import EmbeddingSettings
    from services.embedding.weights import Weights
    from shared.pcm import Floats

__all__ = ["CONVERTED", "open_model"]

CONVERTED = "converted"
"""Folder beside a model's own files that holds what `sotto models convert` makes of them."""
_SOURCE = "model.safetensors"
_METADATA = "metadata.json"


def open_model(folder: Path, settings: EmbeddingSettings) -> Encoder:
    """Return the model in `folder`, ready to encode; blocks, for seconds when it has to be converted first.

    Raises ModelUnusable, or EngineMissing when the engine that the settings name cannot run here.
    """
    from services.embedding.weights import Weights

    weights = Weights(_converted(folder))
    ladder = {"native": _native, "onnx": partial(_onnx, folder), "numpy": _numpy}
    if settings.engine != "auto":
        return ladder[settings.engine](weights, settings)
    for make in (ladder["native"], ladder["onnx"]):
        with contextlib.suppress(EngineMissing):
            return make(weights, settings)
    return _numpy(weights, settings)


def _native(weights: Weights, settings: EmbeddingSettings) -> Encoder:
    from services.embedding.engines.native import NativeEncoder

    return NativeEncoder(weights, max_tokens=settings.max_tokens)


def _onnx(folder: Path, weights: Weights, settings: EmbeddingSettings) -> Encoder:
    """The exact weights where they are, else those that were converted."""
    from services.embedding.engines.onnx import OnnxEncoder

    def exact(source: Path = folder) -> Callable[[str], Floats]:
        if not (source / _SOURCE).is_file():
            return weights.exact
        from services.embedding.convert import exact_weights

        return exact_weights(source)

    return OnnxEncoder(weights, exact, settings.max_tokens)


def _numpy(weights: Weights, settings: EmbeddingSettings) -> Encoder:
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
        from services.embedding.convert import convert

        convert(folder, target)
    return target


def _younger(one: Path, other: Path) -> bool:
    return one.is_file() and one.stat().st_mtime_ns >= other.stat().st_mtime_ns
