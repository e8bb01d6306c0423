"""The encoders of a running service: the best that is installed, the built-in one, and others by their name."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from services.embedding.engines.lexical import LexicalEncoder
from services.embedding.port import Encoder, EngineMissing, ModelUnusable, NoEmbeddingModel
from services.embedding.settings import EmbeddingSettings
from shared.installed import InstalledModel, Shelf

__all__ = ["CAN_OPEN", "Encoders", "Open", "best", "file_of", "folder_of", "installed", "is_path", "no_model", "placed"]

Open = Callable[[Path, EmbeddingSettings], Encoder]
"""Opens the model in a folder or file; blocks. Raises ModelUnusable or EngineMissing."""

_FILES = "llama-cpp"
CAN_OPEN = ("sentence-transformers", _FILES)
"""What models are stored as that can be opened here: folders in the form of the hub, and GGUFs."""
_LEXICAL = LexicalEncoder.info.model


def installed(shelf: Shelf) -> list[InstalledModel]:
    """The models that can be opened here, the best first; looks at the disk."""
    return [model for model in shelf.installed("embedding") if model.engine in CAN_OPEN]


def best(settings: EmbeddingSettings, shelf: Shelf, open_model: Open) -> Encoder:
    """Return the encoder that the settings name, or the best that is installed and can be opened; blocks.

    Raises NoEmbeddingModel, ModelUnusable or EngineMissing for a name that was given.
    """
    if settings.model == _LEXICAL:
        return LexicalEncoder()
    if settings.model:
        return open_model(folder_of(shelf, settings.model), settings)
    for model in installed(shelf):
        with contextlib.suppress(ModelUnusable, EngineMissing):
            return open_model(file_of(model), settings)
    return LexicalEncoder()


def file_of(model: InstalledModel) -> Path:
    """What is opened of a model: its folder, or its file."""
    return model.files[0] if model.engine == _FILES else model.path


def folder_of(shelf: Shelf, name: str, *, paths: bool = True) -> Path:
    """Return what is opened of an installed model, or with `paths` of one that is named by its path; looks at the disk.

    Raises NoEmbeddingModel, whatever the name is.
    """
    for model in installed(shelf):
        if model.name == name:
            return file_of(model)
    path = placed(name) if paths else None
    if path is None:
        raise no_model(name)
    return path


def placed(name: str) -> Path | None:
    """Return the folder or GGUF of that path; None where none is, or none that can be read. Looks at the disk."""
    try:
        path = Path(name).expanduser()
        if path.is_dir():
            return path if os.access(path, os.R_OK | os.X_OK) else None
        return path if path.suffix == ".gguf" and path.is_file() else None
    except (OSError, RuntimeError):  # too long for a name, in a folder that is shut, or the home of nobody
        return None


def is_path(name: str) -> bool:
    """Whether a request names a path with it: no installed model's name has a slash."""
    return "/" in name


def no_model(name: str) -> NoEmbeddingModel:
    """Return what is raised for a name that no model has."""
    return NoEmbeddingModel(
        f"There is no embedding model named {name} here.",
        remedy=f"Run `sotto models pull {name}`; `lexical` needs no model.",
    )


class Encoders:
    """What is open, by name. `get` may be asked by several at once; a model is opened once."""

    def __init__(self, settings: EmbeddingSettings, shelf: Shelf, open_model: Open) -> None:
        self._settings = settings
        self._shelf = shelf
        self._open_model = open_model
        self._open: dict[str, Encoder] = {_LEXICAL: LexicalEncoder()}
        self._using = self._open[_LEXICAL]
        self._opening = asyncio.Lock()
        self.chosen = ""
        """The name that was asked for last, empty for the best."""
        self.era = 0
        """Grows whenever a name may stand for another encoder."""

    @property
    def using(self) -> Encoder:
        """The one for requests that name none."""
        return self._using

    async def choose(self, name: str) -> list[ModelUnusable | EngineMissing]:
        """Use the model of that name, or the best that is installed, from now on.

        Returns why better ones cannot be used. Raises NoEmbeddingModel, ModelUnusable or EngineMissing for a name
        that was given; what was used before stays in use then.
        """
        self.era += 1
        wanted = name or self._settings.model
        if wanted:
            self._using = await self.get(wanted)
            self.chosen = name
            return []
        self.chosen = ""
        refused: list[ModelUnusable | EngineMissing] = []
        for model in await asyncio.to_thread(installed, self._shelf):
            try:
                self._using = await self.get(model.name)
                return refused
            except (ModelUnusable, EngineMissing) as error:
                refused.append(error)
        self._using = self._open[_LEXICAL]
        return refused

    async def get(self, name: str) -> Encoder:
        """Return the encoder of a name, opened if need be; empty for the one in use.

        A name with a slash may be a path: without one, what lies where this process runs is not what was meant.
        Raises NoEmbeddingModel, ModelUnusable or EngineMissing.
        """
        if not name:
            return self._using
        async with self._opening:
            if name not in self._open:
                paths = is_path(name) or name == self._settings.model
                folder = await asyncio.to_thread(folder_of, self._shelf, name, paths=paths)
                self._open[name] = await asyncio.to_thread(self._open_model, folder, self._settings)
            return self._open[name]

    def opened(self, name: str) -> Encoder | None:
        """Return the encoder of a name if it is open; empty for the one in use."""
        return self._open.get(name) if name else self._using

    def renew(self, name: str) -> None:
        """The files of a model are others now: open them when it is next asked for."""
        self.era += 1
        self._open.pop(name, None)

    def close(self) -> None:
        """Let all weights go."""
        for encoder in self._open.values():
            encoder.close()
