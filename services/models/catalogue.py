"""The catalogue: the models Sotto knows by name, where their files are, and which suit which machine.

It is a committed file, `catalogue.toml`. A hash in it was read in public files, never computed or guessed; a file
without one is checked against the hub's own statement when it is pulled.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.models.errors import UnknownModel
from shared.errors import ConfigError
from shared.events import Role

__all__ = ["Catalogue", "Entry", "ListedFile", "MachineClass"]

MachineClass = Literal["small", "medium", "large", "gpu"]

_OWN = Path(__file__).with_name("catalogue.toml")


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListedFile(_Listed):
    """A file of a model."""

    path: str
    """Path in the repository; on disk it keeps its name only."""
    bytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    checked: Literal["confirmed", "stated", "unknown"] = "unknown"
    """`confirmed`: two independent public files agree on the hash. `stated`: one says so. `unknown`: none was found."""

    @property
    def name(self) -> str:
        """Its name on disk."""
        return self.path.rpartition("/")[2]


class Entry(_Listed):
    """A model that can be pulled."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9._-]*$")
    role: Role
    engine: str
    repository: str
    revision: str
    licence: str
    free: bool
    """Whether a person may use it for any purpose, as far as its licence and its ancestors' are known."""
    languages: tuple[str, ...] = ()
    """ISO 639-1; empty for any."""
    summary: str
    note: str = ""
    """What one should know before choosing it."""
    sources: tuple[str, ...] = ()
    """Further places for its files, tried after the configured ones."""
    files: tuple[ListedFile, ...]

    @property
    def bytes(self) -> int | None:
        """Size of all files, None when one is not known before the hub is asked."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size)


class _Document(_Listed):
    default: dict[MachineClass, tuple[str, ...]]
    voice: dict[str, str]
    model: tuple[Entry, ...]


class Catalogue:
    """All entries, the best of each role first. Raises ConfigError where the file contradicts itself."""

    def __init__(self, path: Path = _OWN) -> None:
        try:
            document = _Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValidationError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"The catalogue {path} cannot be read: {error}") from error
        self._entries = {entry.name: entry for entry in document.model}
        self._defaults = document.default
        self._voices = document.voice
        if len(self._entries) != len(document.model):
            raise ConfigError(f"The catalogue {path} names a model twice.")
        for name in (*self._voices.values(), *(n for names in self._defaults.values() for n in names)):
            self.get(name)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def get(self, name: str) -> Entry:
        """Return the entry, or raise UnknownModel with the nearest names."""
        entry = self._entries.get(name)
        if entry is None:
            near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.4)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UnknownModel(
                f"There is no model named {name} in the catalogue.{hint}", remedy="`sotto models list` shows all."
            )
        return entry

    def rank(self, name: str) -> int:
        """Place of a model among all: a lower one is better."""
        return list(self._entries).index(name)

    def defaults(self, machine: MachineClass, language: str = "en") -> tuple[Entry, ...]:
        """Return the models that suit a machine, with a free voice for the language (ISO 639-1) where there is one."""
        chosen = [self.get(name) for name in self._defaults[machine]]
        voice = self._voices.get(language)
        if language == "en" or voice is None:
            return tuple(chosen)
        return (*(entry for entry in chosen if entry.role != "tts"), self.get(voice))
