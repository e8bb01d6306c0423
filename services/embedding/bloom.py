"""A Bloom filter: which keys were added, in some bits each instead of a hundred bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["BloomFilter"]

_PLACES = struct.Struct("<4I")


class BloomFilter:
    """Never denies a key that was added, and takes one in a thousand others for one, at 32 bits for each that was.

    Keys are hashes of 16 bytes. (B. H. Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors, 1970.)
    """

    def __init__(self, bits: int) -> None:
        self._bits = bytearray(max(1, bits // 8))

    def add(self, key: bytes) -> None:
        """Know this key from now on."""
        for place in self._places(key):
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, key: bytes) -> bool:
        return all(self._bits[place >> 3] & 1 << (place & 7) for place in self._places(key))

    def _places(self, key: bytes) -> Iterator[int]:
        size = 8 * len(self._bits)
        return (number % size for number in _PLACES.unpack(key))
