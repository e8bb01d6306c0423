"""What can go wrong with memory, by situation."""

from __future__ import annotations

from shared.errors import SottoError

__all__ = ["ImportRefused", "MemoryDamaged", "MemoryFull", "NoConversation", "UnreadableDocument", "VectorsUnusable"]


class MemoryDamaged(SottoError):
    """The file of memories cannot be read, or a newer Sotto wrote it. It is left as it is."""


class MemoryFull(SottoError):
    """The disk is full, or the file cannot be written now: nothing of what was to be kept is there."""


class VectorsUnusable(SottoError):
    """Meaning takes no part: ChromaDB is missing, its folder is in use, or its server does not answer."""


class UnreadableDocument(SottoError):
    """A file holds no text that can be read."""


class ImportRefused(SottoError):
    """A line is no exported memory; nothing of the file was taken."""


class NoConversation(SottoError):
    """There is none of this name to go on with."""
