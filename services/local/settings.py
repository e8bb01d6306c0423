"""What can be set about the local socket."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["LocalSettings"]


class LocalSettings(BaseModel):
    """Settings under `local`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether a running Sotto answers the other programs of the same person (`sotto.generate`, `sotto generate`)."""
