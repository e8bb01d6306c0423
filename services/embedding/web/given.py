"""Answers that were given, whole, under a hash of what was asked: who asks again and again costs only the bytes."""

from __future__ import annotations

import hashlib

from services.embedding.desk import Counter

__all__ = ["Given"]

_OVERHEAD = 150
"""Bytes that an entry costs beside its answer."""
_ASKED = 2_000
"""So many requests are known to have been asked once."""


class Given:
    """Keeps answers that were asked for twice, for most are never asked for again, within `limit` bytes.

    The oldest go first. All are forgotten when the counter's era ends.
    """

    def __init__(self, counter: Counter, limit: int) -> None:
        self._counter = counter
        self._limit = limit
        self._asked: dict[bytes, None] = {}
        self._answers: dict[bytes, bytes] = {}
        self._size = 0
        self._era: object = None

    def get(self, path: str, raw: bytes) -> tuple[bytes, bytes | None]:
        """Return the request's key, and the answer if it is known. Raises NotReady."""
        era = self._counter.era()
        if era != self._era:
            self._asked, self._answers, self._size, self._era = {}, {}, 0, era
        key = hashlib.blake2b(raw, digest_size=16, person=path.encode()[:16]).digest()
        return key, self._answers.get(key)

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer if it was given before, unless the era ended meanwhile."""
        if self._era is None or self._counter.era() != self._era or key in self._answers or not self._again(key):
            return
        self._answers[key] = bytes(memoryview(answer))  # orjson's own lies in a room for several of its length
        self._size += len(answer) + _OVERHEAD
        while self._size > self._limit:
            self._size -= len(self._answers.pop(next(iter(self._answers)))) + _OVERHEAD

    def _again(self, key: bytes) -> bool:
        if key in self._asked:
            del self._asked[key]
            return True
        self._asked[key] = None
        if len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]
        return False
