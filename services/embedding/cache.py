"""The cache: vectors that were computed before, in memory and then on disk, under a hash of all that made them.

It holds no texts, only hashes and vectors, within limits of bytes; what is coldest goes first (see `heat`). A cache
that cannot be read, is full or comes from another version is begun anew or done without: it never fails a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from services.embedding.cachefile import FEWER, OVERHEAD, CacheFile, Kept
from services.embedding.heat import warmed
from services.embedding.port import Info, Purpose

__all__ = ["Cache", "Kept", "key_of"]

_GATHERED_S = 0.5
"""How long new vectors are gathered before they are written together; what is lost with the process is only a cache."""

T = TypeVar("T")
Args = TypeVarTuple("Args")


def key_of(info: Info, purpose: Purpose, text: str) -> bytes:
    """Return what stands for all that can change the vector."""
    named = f"{info.fingerprint}\0{purpose}\0{text}"
    return hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Cache:
    """See the module. Belongs to the event loop; the file has a thread of its own, and None is no file."""

    def __init__(self, *, memory_bytes: int, disk_bytes: int, file: Path | None) -> None:
        self._memory = _Memory(memory_bytes)
        self._disk = CacheFile(file, disk_bytes) if file is not None and disk_bytes else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed-cache")
        self._unwritten: dict[bytes, Kept] = {}
        self._used: dict[bytes, float] = {}
        self._writing: asyncio.Future[None] | None = None
        self._due: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Learn which keys are on disk."""
        if self._disk is not None:
            await self._on_thread(self._disk.open)

    async def close(self) -> None:
        """Write what is not on disk yet."""
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._disk is not None:
            await self._on_thread(self._disk.write, self._unwritten, self._used)
            await self._on_thread(self._disk.close)
        self._thread.shutdown(wait=False)

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, Kept]:
        """Return those that are known, from memory if they are there."""
        found = {key: kept for key in keys if (kept := self._memory.get(key)) is not None}
        if self._disk is None:
            return found
        for key in found:
            self._used[key] = time.time()
        elsewhere = [key for key in keys if key not in found and self._disk.may_have(key)]
        if elsewhere:
            old = await self._on_thread(self._disk.read, elsewhere)
            for key, kept in old.items():
                self._memory.put(key, kept)
                self._used[key] = time.time()
            found |= old
        return found

    def remembered(self, keys: Sequence[bytes]) -> list[Kept] | None:
        """Return all of them, if memory has all of them."""
        found = [kept for key in keys if (kept := self._memory.get(key)) is not None]
        if len(found) < len(keys):
            return None
        if self._disk is not None:
            now = time.time()
            for key in keys:
                self._used[key] = now
        return found

    def put(self, entries: Mapping[bytes, Kept]) -> None:
        """Keep new ones; they are written to disk beside."""
        for key, kept in entries.items():
            self._memory.put(key, kept)
        if self._disk is not None:
            self._unwritten |= entries
            if self._writing is None and self._due is None:
                self._due = asyncio.get_running_loop().call_later(_GATHERED_S, self._write)

    async def clear(self) -> int:
        """Lose everything, on disk too and beyond recovery; returns how many vectors there were."""
        stored = await self._on_thread(self._disk.keys) if self._disk is not None else set()
        count = len(self._memory.keys | stored | self._unwritten.keys())
        self._memory.drop(self._memory.keys)
        self._unwritten, self._used = {}, {}
        if self._disk is not None:
            await self._on_thread(self._disk.clear)
        return count

    def _write(self) -> None:
        assert self._disk is not None
        self._due = None
        entries, used = self._unwritten, self._used
        self._unwritten, self._used = {}, {}
        self._writing = self._on_thread(self._disk.write, entries, used)
        self._writing.add_done_callback(self._written)

    def _written(self, _: asyncio.Future[None]) -> None:
        self._writing = None
        if self._unwritten:
            self._due = asyncio.get_running_loop().call_later(_GATHERED_S, self._write)

    def _on_thread(self, work: Callable[[*Args], T], *arguments: *Args) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


class _Memory:
    """The entries in memory and how warm each is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[bytes, Kept] = {}
        self._heat: dict[bytes, float] = {}
        self._size = 0

    @property
    def keys(self) -> set[bytes]:
        return set(self._entries)

    def get(self, key: bytes) -> Kept | None:
        kept = self._entries.get(key)
        if kept is not None:
            self._heat[key] = warmed(self._heat[key], time.time())
        return kept

    def put(self, key: bytes, kept: Kept) -> None:
        self.drop((key,))
        self._entries[key] = kept
        self._heat[key] = warmed(-math.inf, time.time())
        self._size += len(kept.row) + OVERHEAD
        if self._size > self._limit:
            self._cool()

    def drop(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            kept = self._entries.pop(key, None)
            if kept is not None:
                del self._heat[key]
                self._size -= len(kept.row) + OVERHEAD

    def _cool(self) -> None:
        for key in sorted(self._heat, key=self._heat.__getitem__):
            if self._size <= self._limit * FEWER:
                break
            self.drop((key,))
