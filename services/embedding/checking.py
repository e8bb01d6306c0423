"""Checking a conversion: what the converted model computes beside what the exact weights say, and how fast."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from services.embedding.convert import Precision, convert
from services.embedding.engines.reference import ReferenceEncoder
from services.embedding.opening import CONVERTED, open_encoder
from services.embedding.port import Encoder, ModelUnusable, Passage
from services.embedding.settings import EmbeddingSettings
from services.embedding.vectors import from_bytes, normalised
from services.embedding.weights import WEIGHTS, Weights
from shared.pcm import Floats

__all__ = ["Checked", "converted_and_checked"]

_LEAST = {"bf16": 0.999, "fp16": 0.999, "fp32": 0.999, "int8": 0.97}
"""A conversion whose vectors are further off is wrong."""
_TEXTS = (
    "What is the code of my bike?",
    "My bike code is 4512.",
    "",
    "The quarterly report is due on Friday, and nobody has read it yet.",
    "Il fait beau aujourd'hui. 今日は天気がいい。",
    "a long story " * 60,
)
_TIMES = 20


class Checked(TypedDict):
    """What was written, and how good it is."""

    folder: str
    bytes: int
    saved: float
    """Part of the source's size."""
    cosine: float
    """The lowest of all texts."""
    texts: int
    engine: str
    detail: str
    ms: float
    """For a short text, the median."""
    reference_ms: float


def converted_and_checked(source: Path, target: Path | None, precision: Precision) -> Checked:
    """Convert `source`, and compare; blocks for seconds. Raises ModelUnusable, also where the result is wrong."""
    folder = target or source / CONVERTED
    convert(source, folder, precision)
    with tempfile.TemporaryDirectory(prefix="sotto-exact-") as exact:
        convert(source, Path(exact) / "exact", "fp32")
        reference = ReferenceEncoder(Weights(Path(exact) / "exact"))
        encoder = open_encoder(folder, EmbeddingSettings())
        passages = reference.read(_TEXTS, "")
        lowest = float((_rows(encoder, passages) * _rows(reference, passages)).sum(axis=1).min())
        times = [_median_ms(one, passages[:1]) for one in (encoder, reference)]
    if lowest < _LEAST[precision]:
        raise ModelUnusable(f"{folder} computes something else: cosine {lowest:.4f}.", remedy="Convert with fp32.")
    size, before = (folder / WEIGHTS).stat().st_size, (source / "model.safetensors").stat().st_size
    return Checked(
        folder=str(folder),
        bytes=size,
        saved=1 - size / before,
        cosine=lowest,
        texts=len(_TEXTS),
        engine=encoder.info.engine,
        detail=encoder.info.detail,
        ms=times[0],
        reference_ms=times[1],
    )


def _rows(encoder: Encoder, passages: Sequence[Passage]) -> Floats:
    return normalised(from_bytes(encoder.encode(passages), encoder.info.dimensions))


def _median_ms(encoder: Encoder, passages: Sequence[Passage]) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        encoder.encode(passages)
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)
