"""States on disk: evaluated beginnings of prompts that outlive the process, found by what a prompt begins with.

A file holds the state of one sequence, its tokens and a checksum. It is written beside its place and then moved there,
so it is whole or not there; what cannot be read or written is logged and costs only the repetition. What is used
seldom and long ago goes first.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
import threading
import zlib
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.llm.engines.pool import Saved
from services.llm.engines.prefixes import keys_of
from shared.logs import get_logger

__all__ = ["States", "forget_states"]

_log = get_logger("llm")

_MAGIC = b"SOTTOKV1"
_HEAD = struct.Struct("<8sIIIQ")
"""Magic, tokens, exact tokens, checksum of all that follows, bytes of the state."""

_HALF_LIFE_NS = 86_400 * 10**9
_WAITING = 4
"""States that wait to be written; more are not kept."""


class States:
    """Of one engine and model, named by `identity`, under `root`, which all share within `limit` bytes.

    Used by the engine's thread; written by one of its own. `now` is unix ns.
    """

    def __init__(self, root: Path, identity: str, limit: int, chunk: int, now: Callable[[], int]) -> None:
        self._root = root
        self._folder = root / identity
        self._limit = limit
        self._chunk = chunk
        self._now = now
        self._lock = threading.Lock()
        self._by_key: dict[bytes, Path] = {}
        self._names: set[str] = set()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="llama-states")
        self._waiting = 0
        for path in sorted(self._folder.glob("*.state")) if limit else ():
            self._note(path)

    def find(self, prompt: list[int], at_least: int) -> Saved | None:
        """Return the state that shares the most chunks with the beginning of the prompt, at least so many tokens."""
        found, known = None, 0
        with self._lock:
            for number, key in enumerate(keys_of(prompt, self._chunk) if self._by_key else (), 1):
                if key not in self._by_key:
                    break
                found, known = self._by_key[key], number * self._chunk
        if found is None or known < at_least:
            return None
        saved = _read(found)
        if saved is None:
            self._drop(found)
            return None
        self._used(found)
        return saved

    def wants(self, tokens: list[int]) -> bool:
        """False when such a state is here, or none is to be."""
        name = self._name(tokens) if self._limit else ""
        with self._lock:
            return bool(name) and name not in self._names

    def put(self, saved: Saved) -> None:
        """Have a state written, unless it is here, or too large, or too many wait."""
        name = self._name(saved.tokens)
        size = _HEAD.size + 4 * len(saved.tokens) + len(saved.state)
        with self._lock:
            if not name or name in self._names or size > self._limit or self._waiting >= _WAITING:
                return
            self._names.add(name)
            self._waiting += 1
        self._writer.submit(self._write, name, saved, size)

    def forget(self) -> int:
        """Delete all files of this engine and model, also those not written yet; returns how many there were."""
        return self._writer.submit(self._clear).result()

    def close(self) -> None:
        """Write what waits, and end."""
        self._writer.shutdown()

    # ---- on the thread that writes

    def _write(self, name: str, saved: Saved, size: int) -> None:
        path = self._folder / name
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room(size)
            _write(part, saved)
            stamp = self._now()
            os.utime(part, ns=(stamp, stamp))
            part.replace(path)
            self._note(path)
        except OSError as error:
            _log.warning("an evaluated prompt cannot be kept on disk", path=str(path), reason=str(error))
            with self._lock:
                self._names.discard(name)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        finally:
            with self._lock:
                self._waiting -= 1

    def _make_room(self, size: int) -> None:
        """Delete what is worth least, of whatever model, until so many bytes more may be there."""
        files = sorted((status.st_mtime_ns, status.st_size, path) for path, status in _files(self._root))
        held = sum(size for _, size, _ in files)
        for _, each, path in files:
            if held + size <= self._limit:
                return
            self._drop(path)
            held -= each

    def _clear(self) -> int:
        with self._lock:
            self._by_key.clear()
            self._names.clear()
        return forget_states(self._folder)

    # ---- the index

    def _name(self, tokens: list[int]) -> str:
        """The address: the hash of the tokens at the last multiple of the chunk."""
        last = b""
        for key in keys_of(tokens, self._chunk):
            last = key
        return f"{last.hex()}.state" if last else ""

    def _note(self, path: Path) -> None:
        tokens = _tokens_of(path)
        if tokens is None:
            path.unlink(missing_ok=True)
            return
        with self._lock:
            self._names.add(path.name)
            for key in keys_of(tokens, self._chunk):
                self._by_key[key] = path

    def _drop(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with self._lock:
            self._names.discard(path.name)
            for key in [key for key, kept in self._by_key.items() if kept == path]:
                del self._by_key[key]

    def _used(self, path: Path) -> None:
        """Count a hit: the file's time is that at which a single use would be worth as much as all of them are now."""
        try:
            before, now = path.stat().st_mtime_ns, self._now()
            stamp = now + round(_HALF_LIFE_NS * math.log2(1 + 2 ** min(60.0, (before - now) / _HALF_LIFE_NS)))
            os.utime(path, ns=(stamp, stamp))
        except OSError as error:
            _log.debug("the use of a kept state is not counted", reason=str(error))


def forget_states(folder: Path) -> int:
    """Delete every state in the folder and those in it; returns how many there were. It blocks."""
    count = 0
    for path in [*folder.glob("**/*.state"), *folder.glob("**/*.part")]:
        path.unlink(missing_ok=True)
        count += path.suffix == ".state"
    return count


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in root.glob("*/*.state"):
        try:
            yield path, path.stat()
        except FileNotFoundError:
            continue


def _write(path: Path, saved: Saved) -> None:
    tokens = array("i", saved.tokens).tobytes()
    check = zlib.crc32(saved.state, zlib.crc32(tokens))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(saved.tokens), saved.exact, check, len(saved.state)))
        file.write(tokens)
        file.write(saved.state)


def _tokens_of(path: Path) -> list[int] | None:
    """The tokens; None for what is no whole file of this form."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return None
            magic, count, _, _, size = _HEAD.unpack(head)
            if magic != _MAGIC or path.stat().st_size != _HEAD.size + 4 * count + size:
                return None
            return array("i", file.read(4 * count)).tolist()
    except OSError:
        return None


def _read(path: Path) -> Saved | None:
    """The state, None when it is not there any more or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _HEAD.size:
        return None
    magic, count, exact, check, size = _HEAD.unpack_from(data)
    body = memoryview(data)[_HEAD.size :]
    if magic != _MAGIC or len(body) != 4 * count + size or zlib.crc32(body) != check:
        _log.warning("an evaluated prompt on disk is damaged, and is deleted", path=str(path))
        return None
    return Saved(bytes(body[4 * count :]), array("i", body[: 4 * count].tobytes()).tolist(), exact)
