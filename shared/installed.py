"""A model whose files are present: what the models service tells the services that run engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.events.model import Role

__all__ = ["InstalledModel", "Shelf"]


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model on disk, verified when it was pulled or added by hand."""

    role: Role
    name: str
    engine: str
    """Who can run it: `faster-whisper`, `llama-cpp`, `piper`."""
    path: Path
    """Its folder."""
    files: tuple[Path, ...]
    languages: tuple[str, ...]
    """ISO 639-1; empty for any."""


class Shelf(Protocol):
    """Where services look for models."""

    def installed(self, role: Role) -> Sequence[InstalledModel]:
        """Return the models of a role whose files are present, the best first."""
        ...
