"""How the layers of encoders are named by the model hub, and how MPNet tells distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shared.pcm import Floats

__all__ = ["BERT", "BEYOND", "MPNET", "Names", "distances"]

BEYOND = 17
"""Columns of the table of distances beside two for each position: the kernel reads whole registers."""
_NEAR, _KINDS, _FAR = 8, 16, 128
"""Distances that have a bucket each, buckets of one direction, and the distance from which on all are in the last."""


class Names(NamedTuple):
    """The parts of a layer whose names differ."""

    qkv: tuple[str, str, str]
    out: str
    norm: str


BERT = Names(
    ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention.output.dense",
    "attention.output.LayerNorm",
)
MPNET = Names(("attention.attn.q", "attention.attn.k", "attention.attn.v"), "attention.attn.o", "attention.LayerNorm")


def distances(buckets: Floats, positions: int) -> Floats:
    """Return what is added to the score of a word that stands `d` after the one that attends, in column
    `positions + d`, for each head: shape (heads, 2 positions + BEYOND).

    `buckets` has a row for each of 32 buckets, which are those of T5 (transformers: MPNetEncoder).
    """
    after = np.arange(2 * positions + BEYOND) - positions
    size = np.abs(after)
    far = _NEAR + np.log(np.maximum(size, 1) / _NEAR) / np.log(_FAR / _NEAR) * (_KINDS - _NEAR)
    bucket = np.where(size < _NEAR, size, np.minimum(far.astype(int), _KINDS - 1)) + _KINDS * (after > 0)
    return np.ascontiguousarray(buckets[bucket].T)
