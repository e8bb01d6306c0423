"""What beside the request can change an answer, as one hash: two answers with the same one were computed alike."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from services.llm.engines.library import Library
from services.llm.engines.pool import Pool

__all__ = ["Fingerprint", "identity"]

_BLOCK = 1 << 20


_ENDS = 1 << 20
"""Bytes of a file's beginning and end that are read to tell it from others."""


def identity(path: Path, library: Library, pool: Pool) -> str:
    """Name whatever a saved state fits: the file, told by what the system says of it, and how it is computed.

    The whole file would take seconds to read, and this is needed when the model is opened.
    """
    status = path.stat()
    digest = hashlib.sha256(f"{path.resolve()}\n{status.st_size} {status.st_mtime_ns}\n".encode())
    with path.open("rb") as file:
        digest.update(file.read(_ENDS))
        file.seek(max(0, status.st_size - _ENDS))
        digest.update(file.read(_ENDS))
    digest.update(_build(library.native).encode())
    digest.update(f"\n{pool.how}, {len(pool.places)} places of {pool.context_tokens}".encode())
    return digest.hexdigest()[:32]


def _build(native: ModuleType) -> str:
    features = native.llama_print_system_info().decode(errors="replace")
    return f"llama-cpp-python {version('llama-cpp-python')}\n{features}"


class Fingerprint:
    """Of one open model; made on the event loop. The file is read once, beside everything else, from now on."""

    def __init__(self, path: Path, library: Library, how: str) -> None:
        self._path = path
        self._native = library.native
        self._computed = how
        self._unwanted = threading.Event()
        self._reading = asyncio.create_task(asyncio.to_thread(self._read), name="llm:fingerprint")

    async def of(self, mode: str) -> str:
        """Return the hash for answers in that mode; in any but strict mode empty while the file is being read."""
        if mode != "strict" and not self._reading.done():
            return ""
        read = await asyncio.shield(self._reading)
        return hashlib.sha256(f"{read}\n{self._computed}\n{mode}".encode()).hexdigest()[:32] if read else ""

    async def close(self) -> None:
        """Stop reading."""
        self._unwanted.set()
        await self._reading

    def _read(self) -> str:
        """The file's SHA-256 and what computes it; empty when it is gone or nobody asks any more."""
        digest = hashlib.sha256()
        try:
            with self._path.open("rb") as file:
                while block := file.read(_BLOCK):
                    if self._unwanted.is_set():
                        return ""
                    digest.update(block)
        except OSError:
            return ""
        return f"{digest.hexdigest()}\n{_build(self._native)}"
