"""Fixtures: a shelf, the service running over it, and an encoder whose work can be watched."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from services.embedding.convert import convert
from services.embedding.engines.compiling import compiled
from services.embedding.engines.lexical import LexicalEncoder
from services.embedding.engines.native import Kernel
from services.embedding.opening import open_model
from services.embedding.port import Info, Passage, Purpose
from services.embedding.service import EmbeddingService
from services.embedding.settings import EmbeddingSettings
from services.testing import Bench, running
from shared.events import ModelLoaded, Role
from shared.installed import InstalledModel
from tests.kit.bert_models import write_bert


class Folder:
    """A shelf of embedding models: the folders given, best first."""

    def __init__(self, *folders: Path) -> None:
        self.folders = list(folders)

    def installed(self, role: Role) -> Sequence[InstalledModel]:
        found = [
            InstalledModel("embedding", f.name, "sentence-transformers", f, tuple(f.iterdir()), ())
            for f in self.folders
        ]
        return found if role == "embedding" else ()


class Watched:
    """The lexical encoder; counts what it computes, and computes nothing while its gate is shut."""

    def __init__(self) -> None:
        self.info: Info = LexicalEncoder.info
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.batches: list[int] = []
        self._encoder = LexicalEncoder()

    @property
    def computed(self) -> int:
        return sum(self.batches)

    def at_once(self, texts: Sequence[str], purpose: Purpose) -> bool:
        return self._encoder.at_once(texts, purpose)

    def read(self, texts: Sequence[str], purpose: Purpose) -> list[Passage]:
        return self._encoder.read(texts, purpose)

    def encode(self, passages: Sequence[Passage]) -> bytes:
        self.began.set()
        assert self.gate.wait(30)
        self.batches.append(len(passages))
        return self._encoder.encode(passages)

    def close(self) -> None:
        self.gate.set()


@pytest.fixture
def settings(tmp_path: Path) -> EmbeddingSettings:
    """The defaults, with a cache of its own."""
    return EmbeddingSettings(cache_file=tmp_path / "cache" / "embedding.sqlite", threads=1)


@contextlib.asynccontextmanager
async def serving(settings: EmbeddingSettings, *folders: Path) -> AsyncIterator[Bench]:
    """The service over these models' folders, once it has chosen among them."""
    async with running(EmbeddingService(settings, Folder(*folders), open_model)) as bench:
        await bench.next(ModelLoaded)
        yield bench


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model in the form of the hub; not to be changed."""
    return write_bert(tmp_path_factory.mktemp("models") / "small-bert")


@pytest.fixture(scope="session")
def packed(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, converted for the kernel; not to be changed."""
    folder = tmp_path_factory.mktemp("packed") / "small-bert"
    convert(bert, folder)
    return folder


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """The kernel, compiled for this run of the tests."""
    return Kernel(compiled(tmp_path_factory.mktemp("kernel")))


@pytest.fixture
def own_kernel(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a kernel is wanted, it is the one of this run."""
    monkeypatch.setattr("services.embedding.engines.native.compiled", lambda: kernel.path)
