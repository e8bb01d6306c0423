"""Cuts frames of any length into windows of one length, each with the position of its first sample.

A gap in the positions starts anew behind it; samples that were heard already are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.listening.ports import WINDOW

__all__ = ["Windows"]

_BYTES = 2
_RESTART = 16_000
"""A position this many samples (1 s) in the past means that the capture clock began again, not that frames overlap."""


class Windows:
    """Usage: `gap = windows.add(first_sample, pcm)`, then iterate `windows.take()`."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._first = 0
        self._next: int | None = None

    @property
    def heard_until(self) -> int:
        """Position just past the last sample that was added (0 before any)."""
        return self._next or 0

    def add(self, first_sample: int, pcm: bytes) -> bool:
        """Add a frame of mono s16le; returns True when it does not follow the one before (what waited is dropped)."""
        pcm = pcm[: len(pcm) // _BYTES * _BYTES]
        gap = self._next is not None and (first_sample > self._next or first_sample < self._next - _RESTART)
        if gap or self._next is None:
            self._pcm.clear()
            self._first = self._next = first_sample
        overlap = min(self._next - first_sample, len(pcm) // _BYTES)
        self._pcm += pcm[overlap * _BYTES :]
        self._next += len(pcm) // _BYTES - overlap
        return gap

    def take(self) -> Iterator[tuple[int, bytes]]:
        """Yield (first_sample, pcm of WINDOW samples) for every whole window that was added, once each."""
        size = WINDOW * _BYTES
        while len(self._pcm) >= size:
            first, window = self._first, bytes(self._pcm[:size])
            del self._pcm[:size]
            self._first += WINDOW
            yield first, window
