"""What beside the request can change an answer, as one hash: two answers with the same one were computed alike."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from importlib.metadata import version
from pathlib import Path

from services.llm.engines.library import Library

__all__ = ["Fingerprint"]

_BLOCK = 1 << 20


class Fingerprint:
    """Of one open model; made on the event loop. The file is read once, beside everything else, from now on."""

    def __init__(self, path: Path, library: Library, threads: int, chunk: int) -> None:
        self._path = path
        self._native = library.native
        self._computed = f"{threads} threads, chunks of {chunk}"
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
        features = self._native.llama_print_system_info().decode(errors="replace")
        return f"{digest.hexdigest()}\nllama-cpp-python {version('llama-cpp-python')}\n{features}"
