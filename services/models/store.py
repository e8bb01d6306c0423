"""The store: the folder of models, what is in it, and how models come into it and leave it.

Layout: `folder/role/name/` holds a model's files, `folder/models.lock` what was verified, `folder/.incomplete/` what
is on its way. Files that were put there by hand are found by their shape. Everything here looks at the disk and may
block; `pull` alone is for the event loop.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.models.catalogue import Catalogue, Entry
from services.models.errors import FolderUnusable, UnknownModel
from services.models.fetch import sha256_of
from services.models.found import by_hand
from services.models.lock import Lock, LockedModel
from services.models.pull import Progress, Puller, alone
from services.models.settings import ModelsSettings
from services.models.sources import source
from shared.events import Role
from shared.gguf import Gguf, GgufUnreadable, read_gguf
from shared.installed import InstalledModel
from shared.logs import get_logger

__all__ = ["FileCheck", "Listing", "Store"]

_log = get_logger("models")

_FILLS = 0.8
"""A model whose files are more than this part of the memory cannot be used well."""

_ROLES: tuple[Role, ...] = ("stt", "llm", "tts", "embedding", "rerank")


@dataclass(frozen=True, slots=True)
class Listing:
    """A model as `sotto models list` shows it."""

    name: str
    role: Role
    state: Literal["installed", "damaged", "by hand", "available"]
    """`damaged`: a file of it is missing or has another size than when it was pulled."""
    bytes: int | None
    entry: Entry | None
    """None for a model that was added by hand."""
    path: Path | None
    """Its folder, when it is on disk."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What `verify` found for one file."""

    name: str
    """The model's."""
    file: str
    state: Literal["ok", "missing", "wrong", "unknown"]
    """`unknown`: added by hand, so that there is nothing to compare it with."""
    expected: str
    """SHA-256 that was verified when it was pulled."""
    actual: str
    """SHA-256 of the bytes on disk."""
    reason: str = ""
    """Why a file that was added by hand cannot be used."""


class Store:
    """See the module. Implements `shared.installed.Shelf`."""

    def __init__(self, settings: ModelsSettings, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue
        self.folder = (settings.folder or _default_folder()).expanduser()
        self._settings = settings
        self._lock = Lock(self.folder / "models.lock")

    @functools.cached_property
    def catalogue(self) -> Catalogue:
        """The models known by name; the committed ones unless others were given. Read when first asked for."""
        return self._catalogue or Catalogue()

    # ---- what is there

    def installed(self, role: Role) -> Sequence[InstalledModel]:
        """Return the models of a role whose files are present: those added by hand, then the catalogue's, best first.

        What would fill this machine's memory comes last. A pulled model of which a file is missing or has another size
        is left out, and named in the log.
        """
        locked = self._lock.read()
        pulled = [(n, m) for n, m in locked.items() if m.role == role and not self._damage(n, m)]
        pulled.sort(key=lambda item: self.catalogue.rank(item[0]) if item[0] in self.catalogue else -1)
        models = [*self._by_hand(role, locked), *(self._pulled(name, model) for name, model in pulled)]
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return sorted(models, key=lambda model: _size(model.files) > _FILLS * memory)

    def listed(self) -> Sequence[Listing]:
        """Return all models, on disk or not, by role, the best first."""
        locked = self._lock.read()
        hand = [m for role in _ROLES for m in self._by_hand(role, locked)]
        listed = [self._listing(entry, locked.get(entry.name)) for entry in self.catalogue]
        return sorted(
            [*(Listing(m.name, m.role, "by hand", _size(m.files), None, m.path) for m in hand), *listed],
            key=lambda listing: _ROLES.index(listing.role),
        )

    def info(self, name: str) -> Listing:
        """Return one model of `listed`; raises UnknownModel."""
        for listing in self.listed():
            if listing.name == name:
                return listing
        self.catalogue.get(name)  # raises, with the nearest names
        raise UnknownModel(f"There is no model named {name}.")

    def told(self, name: str) -> Gguf | None:
        """Return what an installed model's GGUF says of itself, None for another kind. Raises GgufUnreadable."""
        files = next((model.files for model in self.installed("llm") if model.name == name), ())
        first = next((file for file in sorted(files) if file.suffix == ".gguf"), None)
        return None if first is None else read_gguf(first)

    def verify(self, name: str = "") -> Iterator[FileCheck]:
        """Read every file of one model, or of all, and compare it with what was verified when it was pulled.

        Raises UnknownModel for a name that is not on disk.
        """
        locked = self._lock.read()
        hand = [m for role in _ROLES for m in self._by_hand(role, locked)]
        if name and name not in locked and name not in {m.name for m in hand}:
            raise UnknownModel(f"{name} is not on disk.", remedy=f"Run `sotto models pull {name}`.")
        for known, model in locked.items():
            if name in ("", known):
                yield from self._checked(known, model)
        for found in hand:
            if name in ("", found.name):
                yield from (_by_itself(found.name, file) for file in found.files)

    # ---- how it changes

    def plan(self, name: str, *, origin: str = "") -> int:
        """Return how many bytes `pull` would bring; asks a source where the catalogue does not know."""
        entry = self.catalogue.get(name)
        return self._puller(entry, origin).plan(entry)

    async def pull(self, name: str, *, origin: str = "") -> AsyncGenerator[Progress, None]:
        """Pull a model, yielding how far it is; what was yielded too late to be read is skipped.

        `origin` is a source to use instead of the configured ones (a mirror's address or a folder). Closing the
        generator stops the pull; the next one goes on from there. Raises what `Puller.pull` raises.
        """
        entry = self.catalogue.get(name)
        loop, news, stop = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        latest: list[Progress] = []

        def report(progress: Progress) -> None:
            latest[:] = [progress]
            loop.call_soon_threadsafe(news.set)

        executor = ThreadPoolExecutor(1, thread_name_prefix="pull")
        work = loop.run_in_executor(executor, self._puller(entry, origin).pull, entry, report, stop)
        work.add_done_callback(lambda _: news.set())
        try:
            while not work.done():
                await news.wait()
                news.clear()
                if latest:
                    yield latest.pop()
            await work
        finally:
            stop.set()
            executor.shutdown(wait=False)
            await asyncio.wait([work])

    def remove(self, name: str) -> int:
        """Delete a model's files, finished or not, and forget it; returns the bytes that became free.

        Raises UnknownModel when nothing of it is on disk, PullUnderWay, or FolderUnusable.
        """
        listing = next((entry for entry in self.listed() if entry.name == name), None)
        stage = self.folder / ".incomplete" / name
        if (listing is None or listing.path is None) and not stage.is_dir():
            raise UnknownModel(f"{name} is not on disk.", remedy="`sotto models list` shows what is.")
        with alone(self.folder):
            freed = _tree_size(stage) if stage.is_dir() else 0
            shutil.rmtree(stage, ignore_errors=True)
            if listing is not None and listing.path is not None:
                freed += self._delete(listing)
        return freed

    # ---- inside

    def _puller(self, entry: Entry, origin: str) -> Puller:
        texts = (origin,) if origin else (*self._settings.sources, *entry.sources)
        return Puller(self.folder, self._lock, [source(text, self._settings.endpoint) for text in texts])

    def _place(self, name: str, model: LockedModel) -> Path:
        return self.folder / model.role / name

    def _pulled(self, name: str, model: LockedModel) -> InstalledModel:
        place = self._place(name, model)
        return InstalledModel(
            model.role, name, model.engine, place, tuple(place / file for file in model.files), model.languages
        )

    def _by_hand(self, role: Role, locked: Mapping[str, LockedModel]) -> Iterator[InstalledModel]:
        known = {self._place(name, model) for name, model in locked.items()}
        yield from by_hand(self.folder, role, known)
        for folder in self._settings.folders if role == "llm" else ():
            yield from by_hand(folder.expanduser(), role, known)

    def _damage(self, name: str, model: LockedModel) -> str:
        """What is wrong with a pulled model as far as sizes show it; empty when nothing is."""
        place = self._place(name, model)
        for file, known in model.files.items():
            size = (place / file).stat().st_size if (place / file).is_file() else None
            if size != known.bytes:
                fault = f"{file} is missing" if size is None else f"{file} has {size} bytes instead of {known.bytes}"
                _log.warning("model refused", model=name, fault=fault, remedy=f"sotto models pull {name}")
                return fault
        return ""

    def _listing(self, entry: Entry, locked: LockedModel | None) -> Listing:
        if locked is None:
            return Listing(entry.name, entry.role, "available", entry.bytes, entry, None)
        place = self._place(entry.name, locked)
        state: Literal["installed", "damaged"] = "damaged" if self._damage(entry.name, locked) else "installed"
        return Listing(entry.name, entry.role, state, sum(file.bytes for file in locked.files.values()), entry, place)

    def _checked(self, name: str, model: LockedModel) -> Iterator[FileCheck]:
        for file, known in model.files.items():
            path = self._place(name, model) / file
            if not path.is_file():
                yield FileCheck(name, file, "missing", known.sha256, "")
                continue
            actual = sha256_of(path)
            yield FileCheck(name, file, "ok" if actual == known.sha256 else "wrong", known.sha256, actual)

    def _delete(self, listing: Listing) -> int:
        assert listing.path is not None
        if listing.state != "by hand":
            freed = _tree_size(listing.path)
            self._lock.drop(listing.name)
            shutil.rmtree(listing.path, ignore_errors=True)
            return freed
        freed = listing.bytes or 0
        for found in self._by_hand(listing.role, self._lock.read()):
            if found.name == listing.name:
                if not found.path.is_relative_to(self.folder):
                    raise FolderUnusable(f"{found.path} is only read.", remedy="Remove the file there yourself.")
                for file in found.files:
                    file.unlink()
        return freed


def _by_itself(name: str, file: Path) -> FileCheck:
    """A file to which nothing can be compared: it must at least be whole."""
    reason = ""
    if file.suffix == ".gguf":
        try:
            read_gguf(file)
        except GgufUnreadable as error:
            reason = error.message
    return FileCheck(name, file.name, "wrong" if reason else "unknown", "", sha256_of(file), reason)


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.is_file())


def _tree_size(folder: Path) -> int:
    return _size(tuple(folder.rglob("*")))


def _default_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("sotto") / "models"
