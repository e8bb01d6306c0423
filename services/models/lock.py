"""models.lock: what was pulled, from where, and which bytes were verified. Later pulls and `verify` obey it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from services.models.errors import LockUnreadable
from shared.events import Role

__all__ = ["Lock", "LockedFile", "LockedGguf", "LockedModel"]

Authority = Literal["catalogue", "hub", "first use"]


class _Locked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LockedGguf(_Locked):
    """What a GGUF said of itself when it was pulled: a change of any of these changes answers, or what one may do."""

    licence: str
    template_sha256: str
    """Of the chat template; empty when it has none."""
    vocabulary_sha256: str


class LockedFile(_Locked):
    """A file as it was verified."""

    bytes: int
    sha256: str
    agreed: tuple[Authority, ...]
    """Who stated a hash that the bytes had; `first use` when nobody did (a local file without a known hash)."""
    source: str
    gguf: LockedGguf | None = None


class LockedModel(_Locked):
    """A model whose files all arrived."""

    role: Role
    engine: str
    repository: str
    revision: str
    languages: tuple[str, ...]
    files: dict[str, LockedFile]
    """By name on disk."""


class _Document(_Locked):
    version: Literal[1]
    models: dict[str, LockedModel]


class Lock:
    """The lock file of a folder. Every write replaces it whole, so a reader never sees half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mapping[str, LockedModel]:
        """Return the locked models by name; empty when there is no file. Raises LockUnreadable."""
        try:
            return _Document.model_validate_json(self.path.read_bytes()).models
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            raise LockUnreadable(
                f"{self.path} cannot be read: {error}.",
                remedy="Restore it, or remove it and run `sotto models pull` again; the files are then checked anew.",
            ) from error

    def put(self, name: str, model: LockedModel) -> None:
        """Record a model, replacing what was recorded of it."""
        self._write({**self.read(), name: model})

    def drop(self, name: str) -> None:
        """Forget a model."""
        self._write({n: m for n, m in self.read().items() if n != name})

    def _write(self, models: Mapping[str, LockedModel]) -> None:
        text = _Document(version=1, models=dict(sorted(models.items()))).model_dump_json(indent=2) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".models.lock.", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
