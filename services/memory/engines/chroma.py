"""ChromaDB as the index of vectors: in a folder of its own, or a server.

The folder holds generations: `current` names the one in use. ChromaDB leaves what was dropped in its files, so purging
copies the vectors that are left into the next generation and deletes the last one. A lock keeps other processes away,
which ChromaDB itself does not. Its own embedding function and its telemetry are never used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from services.memory.engines.blanking import blank
from services.memory.errors import VectorsUnusable
from services.memory.vectors import Matrix, Near

__all__ = ["Chroma", "open_chroma", "owe"]

_NAME = "sotto-memory"
_GRAPH = {"space": "cosine", "ef_search": 400, "ef_construction": 400, "max_neighbors": 32}
"""With ChromaDB's own numbers (100, 100, 16) up to one question in sixteen found none of what is near it."""
_PAGE = 1000
_OWED = "purge"
"""A file in the folder: there while the files have to be purged."""


def owe(folder: Path) -> None:
    """Note that the index in `folder` is to be purged, also where it cannot be opened now. Raises VectorsUnusable."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _OWED).touch(mode=0o600)
    except OSError as error:
        raise _no_folder(folder, error) from error


def open_chroma(folder: Path, url: str = "") -> Chroma:
    """Open the index in `folder`, or on the server at `url`. Blocking: importing ChromaDB takes a second or two.

    An index that cannot be read is set aside, for it can be made again. Raises VectorsUnusable.
    """
    try:
        import chromadb.errors
    except ImportError as error:
        raise VectorsUnusable(
            "Memory finds by words only, not by meaning: ChromaDB is not installed.", remedy="Run: scripts/setup memory"
        ) from error
    del chromadb
    return Chroma(folder, url)


class Chroma:
    """See `services.memory.vectors.Vectors`; made by `open_chroma`."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self._folder = folder
        self._url = url
        self._lock = -1
        self._client: Any = None
        self._collection: Any = None
        try:
            if not url:
                self._claim()
                self._generation = self._current()
            self._open()
            with self._errors():
                self._blank()
        except BaseException:
            self.close()
            raise

    @property
    def fingerprint(self) -> str:
        metadata = self._collection.metadata if self._collection is not None else None
        return str((metadata or {}).get("fingerprint", ""))

    def begin(self, fingerprint: str) -> None:
        with self._errors():
            if self._url:
                self._delete_collection()
            else:
                self._next()
            self._create(fingerprint)
        self._sweep()

    def put(self, ids: Sequence[str], rows: Matrix) -> None:
        with self._errors():
            self._collection.upsert(ids=list(ids), embeddings=rows)
            self._blank()

    def drop(self, ids: Sequence[str]) -> None:
        if self._collection is None:
            return
        with self._errors():
            for start in range(0, len(ids), _PAGE):
                self._collection.delete(ids=list(ids[start : start + _PAGE]))

    @property
    def owed(self) -> bool:
        with self._errors():
            return not self._url and (self._folder / _OWED).exists()

    def purge(self) -> None:
        if self._collection is None:
            self._sweep()
            return
        if self._url:
            return
        with self._errors():
            old_client, old, fingerprint = self._client, self._collection, self.fingerprint
            self._client = None
            self._next()
            self._create(fingerprint)
            for start in range(0, old.count(), _PAGE):
                page = old.get(limit=_PAGE, offset=start, include=["embeddings"])
                self._collection.add(ids=page["ids"], embeddings=np.asarray(page["embeddings"], dtype=np.float32))
            old_client.close()
            self._blank()
        self._sweep()

    def nearest(self, row: Matrix, limit: int) -> list[Near]:
        if self._collection is None:
            return []
        with self._errors():
            found = self._collection.query(query_embeddings=row.reshape(1, -1), n_results=limit, include=["distances"])
        return [(id_, 1.0 - distance) for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def ids(self) -> set[str]:
        if self._collection is None:
            return set()
        found: set[str] = set()
        with self._errors():
            for start in range(0, self._collection.count(), 50 * _PAGE):
                found.update(self._collection.get(limit=50 * _PAGE, offset=start, include=[])["ids"])
        return found

    def close(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            with contextlib.suppress(VectorsUnusable), self._errors():
                client.close()
                self._blank()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # ---- inside

    def _claim(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise VectorsUnusable(
                f"Another Sotto has the vectors in {self._folder} open; this one finds by words only.",
                remedy="Close the other one, or set memory.folder or memory.chroma_url.",
            ) from error
        except OSError as error:
            raise _no_folder(self._folder, error) from error

    def _current(self) -> int:
        try:
            return int((self._folder / "current").read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def _next(self) -> None:
        """Go to an empty generation."""
        if self._client is not None:
            self._client.close()
        self._collection = None
        self._generation += 1
        shutil.rmtree(self._place(), ignore_errors=True)
        self._connect()

    def _sweep(self) -> None:
        """Make the generation in use the current one, at once and for good, and delete all others."""
        if self._url:
            return
        with self._errors():
            fresh = self._folder / "current.new"
            fresh.write_text(str(self._generation), "ascii")
            fresh.replace(self._folder / "current")
            others = [path for path in self._folder.iterdir() if path.is_dir() and path != self._place()]
            for path in others:
                shutil.rmtree(path, ignore_errors=True)
            if not any(path.exists() for path in others):
                (self._folder / _OWED).unlink(missing_ok=True)

    def _place(self) -> Path:
        return self._folder / f"{self._generation}"

    def _open(self) -> None:
        try:
            with self._errors():
                self._connect()
                names = [collection.name for collection in self._client.list_collections()]
                if _NAME in names:
                    self._collection = self._client.get_collection(_NAME, embedding_function=None)
                    self._collection.count()
        except VectorsUnusable:
            if self._url:
                raise
            with self._errors():  # damaged, or of another version of ChromaDB
                self._next()
            self._sweep()

    def _blank(self) -> None:
        if not self._url:
            blank(self._place())

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        if self._url:
            server = urlsplit(self._url)
            port = server.port or (443 if server.scheme == "https" else 80)
            self._client = chromadb.HttpClient(
                host=server.hostname or "", port=port, ssl=server.scheme == "https", settings=quiet
            )
        else:
            self._client = chromadb.PersistentClient(path=str(self._place()), settings=quiet)

    def _create(self, fingerprint: str) -> None:
        self._collection = self._client.create_collection(
            _NAME,
            embedding_function=None,
            configuration={"hnsw": _GRAPH},
            metadata={"fingerprint": fingerprint},
        )

    def _delete_collection(self) -> None:
        if self._collection is not None:
            self._client.delete_collection(_NAME)
            self._collection = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, sqlite3.Error, OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
            raise self._unusable(error) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # its Rust part gives up so, at files it does not understand
                raise
            raise self._unusable(error) from error

    def _unusable(self, error: BaseException) -> VectorsUnusable:
        where = self._url or str(self._folder)
        return VectorsUnusable(
            f"ChromaDB at {where} failed: {error}; memory finds by words only.",
            remedy="Is its server running?" if self._url else f"Delete {where}: it is made again by itself.",
        )


def _no_folder(folder: Path, error: OSError) -> VectorsUnusable:
    return VectorsUnusable(
        f"The vectors in {folder} cannot be opened: {error}.", remedy="Mend the folder's permissions."
    )
