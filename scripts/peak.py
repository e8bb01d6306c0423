"""What a core can multiply and add at most: the floor under every kernel, measured in the same run as the kernel."""

from __future__ import annotations

import ctypes
import subprocess
import time
from functools import cache
from pathlib import Path

from services.embedding.architecture import Architecture
from services.embedding.engines.building import compiler

__all__ = ["PRODUCTS", "multiply_adds", "products"]

PRODUCTS = {"bf16": 32, "int8": 64}
"""That one instruction adds up, by what they are of."""
_ROUNDS, _INSTRUCTIONS, _TRIES = 200_000, 12, 40


def products(a: Architecture) -> int:
    """Return the multiply-adds that each token costs in the matrices of a model's layers."""
    return a.layers * a.hidden * (4 * a.hidden + 2 * a.inner)


@cache
def _library(scratch: Path) -> ctypes.CDLL:
    library = scratch / "peak.so"
    command = [*compiler(), "-O2", "-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_suffix(".c"))]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def multiply_adds(kind: str, scratch: Path) -> float:
    """Return how many a second one core does, undisturbed; the processor must have the instructions."""
    run = getattr(_library(scratch), f"sotto_peak_{kind}")
    run.argtypes = [ctypes.c_long]
    best = min(_timed(run) for _ in range(_TRIES))
    return _ROUNDS * _INSTRUCTIONS * PRODUCTS[kind] / best


def _timed(run: ctypes._CFuncPtr) -> float:
    began = time.perf_counter()
    run(_ROUNDS)
    return time.perf_counter() - began
