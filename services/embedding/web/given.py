"""Answers that were given, whole, under a hash of what was asked: the same request again costs only its bytes."""

from __future__ import annotations

import hashlib

from services.embedding.desk import Counter

__all__ = ["Given"]

_OVERHEAD = 150
"""Bytes that an entry costs beside its answer."""


class Given:
    """Keeps answers within `limit` bytes, the oldest go first; forgets all when the counter's era ends."""

    def __init__(self, counter: Counter, limit: int) -> None:
        self._counter = counter
        self._limit = limit
        self._answers: dict[bytes, bytes] = {}
        self._size = 0
        self._era: object = None

    def get(self, path: str, raw: bytes) -> tuple[bytes, bytes | None]:
        """Return the request's key, and the answer if it is known. Raises NotReady."""
        era = self._counter.era()
        if era != self._era:
            self._answers, self._size, self._era = {}, 0, era
        key = hashlib.blake2b(raw, digest_size=16, person=path.encode()[:16]).digest()
        return key, self._answers.get(key)

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer, unless the era ended meanwhile."""
        if self._era is None or self._counter.era() != self._era or key in self._answers:
            return
        self._answers[key] = bytes(memoryview(answer))  # orjson's own lies in a room for several of its length
        self._size += len(answer) + _OVERHEAD
        while self._size > self._limit:
            self._size -= len(self._answers.pop(next(iter(self._answers)))) + _OVERHEAD
