"""What beside the request can change an answer, as one hash: two answers with the same one were computed alike."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from services.llm.engines.library import Library
from services.llm.engines.pool import Pool

__all__ = ["Fingerprint", "identity"]

_BLOCK = 1 << 20


_ENDS = 1 << 20
"""Bytes of a file's beginning and end that are read to tell it from others."""


def identity(files: Sequence[Path], library: Library, pool: Pool) -> str:
    """Name whatever a saved state fits: the files, told by what the system says of them, and how it is computed.

    All they hold would take seconds to read, and this is needed when the model is opened.
    """
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        digest.update(f"{path.resolve()}\n{status.st_size} {status.st_mtime_ns}\n".encode())
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
    """Of one open model; made on the event loop. Its files are read once, beside everything else, from now on."""

    def __init__(self, files: Sequence[Path], library: Library, how: str) -> None:
        self._files = files
        self._native = library.native
        self._computed = how
        self._unwanted = threading.Event()
        self._reading = asyncio.create_task(asyncio.to_thread(self._read), name="llm:fingerprint")

    async def of(self, mode: str, *, wait: bool) -> str:
        """Return the hash for answers in that mode; without `wait` empty while the files are being read."""
        if not wait and not self._reading.done():
            return ""
        read = await asyncio.shield(self._reading)
        return hashlib.sha256(f"{read}\n{self._computed}\n{mode}".encode()).hexdigest()[:32] if read else ""

    async def close(self) -> None:
        """Stop reading."""
        self._unwanted.set()
        await self._reading

    def _read(self) -> str:
        """The SHA-256 of the files, and what computes them; empty when one is gone or nobody asks any more."""
        digest = hashlib.sha256()
        try:
            for path in self._files:
                with path.open("rb") as file:
                    while block := file.read(_BLOCK):
                        if self._unwanted.is_set():
                            return ""
                        digest.update(block)
        except OSError:
            return ""
        return f"{digest.hexdigest()}\n{_build(self._native)}"
