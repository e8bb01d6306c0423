"""A grammar ready for a decoder: its graph and how its words sound, kept on disk so that it is compiled once.

What is kept is JSON, named by a hash of all that it was made from; a file that is damaged, or was made from anything
else, is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, model_validator

from services.stt.grammar.automaton import WordGraph
from shared.logs import get_logger

__all__ = ["Grammar", "GrammarShelf"]

_log = get_logger("stt")

_MOST_KEPT = 8
_MADE_BY = ("hassil", "pocketsphinx", "espeakng-loader")
"""Packages whose next version may make another grammar of the same sentences."""


class Grammar(BaseModel):
    """Sentences as a decoder takes them. Valid by construction: every arc leads to a state, every end is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arcs: tuple[dict[str, int], ...]
    finals: frozenset[int]
    said: dict[str, tuple[str, ...]]
    """Every way to say each word, in ARPAbet."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Grammar:
        states = range(len(self.arcs))
        if not all(to in states for out in self.arcs for to in out.values()) or not all(
            s in states for s in self.finals
        ):
            raise ValueError("an arc leads to no state")
        return self

    @property
    def graph(self) -> WordGraph:
        """Its sentences."""
        return WordGraph(list(self.arcs), self.finals)


class GrammarShelf:
    """The grammars in a folder, at most eight; the one that was not used for the longest time goes first.

    Never raises: a folder that cannot be read or written makes recognition slower to start, and a line in the log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, document: Mapping[str, JsonValue], language: str) -> Grammar | None:
        """Return the grammar that was kept for these sentences, or None."""
        path = self._path(document, language)
        try:
            grammar = Grammar.model_validate_json(path.read_bytes())
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _log.warning("a compiled grammar cannot be read and is made again", path=str(path), error=str(error)[:200])
            return None
        return grammar

    def keep(self, document: Mapping[str, JsonValue], language: str, grammar: Grammar) -> None:
        """Keep the grammar of these sentences: whole, or not at all."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._path(document, language), grammar.model_dump_json().encode())
            self._discard()
        except OSError as error:
            _log.warning("a compiled grammar cannot be kept", folder=str(self._folder), error=str(error))

    def _write(self, path: Path, content: bytes) -> None:
        handle, draft = tempfile.mkstemp(dir=self._folder, suffix=".new")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(draft).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(draft).unlink()
            raise

    def _discard(self) -> None:
        """Also drafts, which a process leaves behind that ends while it writes."""
        files = [path for path in self._folder.glob("*") if path.suffix in (".grammar", ".new")]
        for path in sorted(files, key=_age)[_MOST_KEPT:]:
            path.unlink(missing_ok=True)

    def _path(self, document: Mapping[str, JsonValue], language: str) -> Path:
        made_from = hashlib.sha256(_compiler())
        made_from.update(_canonical(language, document))
        return self._folder / f"{language}-{made_from.hexdigest()[:32]}.grammar"


def _canonical(language: str, document: Mapping[str, JsonValue]) -> bytes:
    return json.dumps([language, document], sort_keys=True, ensure_ascii=False).encode()


def _compiler() -> bytes:
    """What compiles: the sources of this package, and the versions of those it asks."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    versions = [f"{name} {_version(name)}" for name in _MADE_BY]
    return b"\0".join([*(source.read_bytes() for source in sources), *(version.encode() for version in versions)])


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _age(path: Path) -> float:
    """Smaller is younger; a file that vanished meanwhile is the oldest."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
