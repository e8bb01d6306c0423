"""Memory: what a person told Sotto, kept privately, found again by meaning, and forgotten when they say so."""

from __future__ import annotations

from services.memory.service import MemoryService
from services.memory.settings import MemorySettings

__all__ = ["MemoryService", "MemorySettings"]
