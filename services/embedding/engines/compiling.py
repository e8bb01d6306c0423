"""The kernel, compiled once per machine by its own C compiler, and kept in the folder for a person's cached data.

Every variant that the compiler can make is in one library, which chooses by the processor it finds itself on.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["FLAGS", "SOURCES", "VARIANTS", "compiled", "kept"]

SOURCES = Path(__file__).with_name("kernel")
FLAGS = ("-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-pthread", "-Wno-psabi")
_AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c")
VARIANTS = {
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "avx512": _AVX512,
    "bf16": (*_AVX512, "-mavx512bf16"),
    "vnni": (*_AVX512, "-mavx512vnni"),
}
"""Beside the plain ones; a compiler that does not know the flags, or a processor of another kind, goes without."""


def compiled(folder: Path | None = None) -> Path:
    """Return the library, compiling it if it is not there yet; blocks, for seconds then. Raises EngineMissing."""
    path = kept(folder)
    if not path.is_file():
        from services.embedding.engines.building import build

        build(path)
    return path


def kept(folder: Path | None = None) -> Path:
    """Where the library of this source is, or will be."""
    digest = hashlib.sha256(repr((FLAGS, VARIANTS, os.uname().machine)).encode())
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".c", ".h"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return (folder or _default_folder()) / f"kernel-{digest.hexdigest()[:16]}.so"


def _default_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("sotto")
