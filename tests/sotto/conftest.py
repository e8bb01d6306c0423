"""A home for the package: a model, a place for the local socket, and nothing of the person's own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sotto
from tests.kit import gguf_models

Model = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where models, answers and the socket are while the test runs; what it loaded is let go."""
    with tempfile.TemporaryDirectory(prefix="sotto-") as short:  # the path of a socket may have a hundred bytes
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        monkeypatch.setenv("SOTTO_MODELS__FOLDER", str(tmp_path / "models"))
        monkeypatch.setenv("SOTTO_LLM__CACHE_FOLDER", str(tmp_path / "answers"))
        monkeypatch.setenv("SOTTO_LLM__THREADS", "1")
        monkeypatch.setenv("SOTTO_LLM__BUILTIN", "false")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "models").mkdir()
        yield tmp_path / "models"
        sotto.close()


@pytest.fixture
def scripted(home: Path) -> Model:
    """Return a function that installs a model which answers with the given pieces."""

    def write(*script: str, name: str = "scripted") -> Path:
        return gguf_models.write_scripted(home / f"{name}.gguf", script)

    return write


@pytest.fixture
def random_model(home: Path) -> Path:
    """A model of random weights; it never ends by itself."""
    return gguf_models.write_random(home / "random.gguf")
