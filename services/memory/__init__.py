"""Memory: what a person told Sotto, kept privately, found again by meaning, and forgotten when they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.memory.service import MemoryService
    from services.memory.settings import MemorySettings
else:
    __getattr__ = lazily(__name__, {".service": "MemoryService", ".settings": "MemorySettings"})

__all__ = ["MemoryService", "MemorySettings"]
