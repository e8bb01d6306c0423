"""Prefixes that lost their place: states of evaluated tokens, found again by what a prompt begins with.

A state is addressed by the hashes of its tokens at every multiple of the chunk; the least useful is dropped when the
memory is full (few hits, long ago). A state that comes back holds the same bits that were saved.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from services.llm.engines.pool import Saved

__all__ = ["Prefixes", "keys_of"]


@dataclass(eq=False, slots=True)
class _Entry:
    saved: Saved
    keys: tuple[bytes, ...]
    hits: int = 1
    used: int = 0

    def worth(self, now: int) -> float:
        """Frecency: hits, each worth less the longer ago the last one was."""
        return self.hits / (1 + now - self.used)


class Prefixes:
    """At most `limit` bytes of states, used by one thread. What there is no room for any more is given to `spill`."""

    def __init__(self, limit: int, spill: Callable[[Saved], None] = lambda _: None) -> None:
        self._limit = limit
        self._spill = spill
        self._bytes = 0
        self._now = 0
        self._by_key: dict[bytes, _Entry] = {}
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What the states take."""
        return self._bytes

    def wants(self, tokens: list[int], size: int) -> bool:
        """False when a state that begins with these tokens is here already, or one of that size may not be."""
        return size <= self._limit and not any(tokens == e.saved.tokens[: len(tokens)] for e in self._entries)

    def put(self, saved: Saved, chunk: int) -> None:
        """Keep a state, dropping others for it; one that is larger than the limit is not kept."""
        if len(saved.state) > self._limit:
            return
        self._now += 1
        entry = _Entry(saved, tuple(keys_of(saved.tokens, chunk)), used=self._now)
        for other in [e for e in self._entries if e.saved.tokens == saved.tokens[: len(e.saved.tokens)]]:
            entry.hits += other.hits
            self._drop(other)
        while self._bytes + len(saved.state) > self._limit:
            least = min(self._entries, key=lambda e: e.worth(self._now))
            self._drop(least)
            self._spill(least.saved)
        self._entries.append(entry)
        self._bytes += len(saved.state)
        self._by_key.update(dict.fromkeys(entry.keys, entry))

    def find(self, prompt: Sequence[int], chunk: int) -> Saved | None:
        """Return the state that shares the most chunks with the beginning of the prompt, if any shares one."""
        found: _Entry | None = None
        for key in keys_of(prompt, chunk) if self._entries else ():
            if key not in self._by_key:
                break
            found = self._by_key[key]
        if found is None:
            return None
        self._now += 1
        found.hits, found.used = found.hits + 1, self._now
        return found.saved

    def all(self) -> list[Saved]:
        """Every state that is here."""
        return [entry.saved for entry in self._entries]

    def clear(self) -> int:
        """Forget all; returns how many there were."""
        count = len(self._entries)
        self._entries.clear()
        self._by_key.clear()
        self._bytes = 0
        return count

    def _drop(self, entry: _Entry) -> None:
        self._entries.remove(entry)
        self._bytes -= len(entry.saved.state)
        for key in entry.keys:
            if self._by_key.get(key) is entry:
                del self._by_key[key]
        for other in self._entries:  # they may share chunks with the one that went
            for key in other.keys:
                self._by_key.setdefault(key, other)


def keys_of(tokens: Sequence[int], chunk: int) -> Iterator[bytes]:
    """The hash of the first chunk, of the first two, and so on."""
    running = hashlib.blake2b(digest_size=16)
    for end in range(chunk, len(tokens) + 1, chunk):
        running.update(array("i", tokens[end - chunk : end]).tobytes())
        yield running.digest()
