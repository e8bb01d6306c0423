"""Settings of isolation: which services have a process of their own, and what it may take of the machine."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Apart", "IsolationSettings"]

_ENOUGH_BYTES = 6 << 30
_ENOUGH_CORES = 4


class Apart(BaseModel):
    """Where one service runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    isolate: Literal["auto", "process", "thread"] = "auto"
    """`process`: apart, so that its engine cannot take the assistant along; `thread`: within the assistant; `auto`:
    apart on machines with at least 6 GiB and 4 cores."""
    memory_mb: int = Field(default=0, ge=0)
    """Memory from which its process is ended and started anew; 0 for no limit. What is mapped from files counts."""
    cores: int = Field(default=0, ge=0)
    """Cores that its process may use; 0 for all."""

    @property
    def apart(self) -> bool:
        """True when it gets a process of its own on this machine."""
        return _is_roomy() if self.isolate == "auto" else self.isolate == "process"


class IsolationSettings(BaseModel):
    """The services whose engines are native code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stt: Apart = Apart()
    tts: Apart = Apart()
    llm: Apart = Apart()
    embedding: Apart = Apart()


def _is_roomy() -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return memory >= _ENOUGH_BYTES and (os.cpu_count() or 1) >= _ENOUGH_CORES
