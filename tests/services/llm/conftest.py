"""Fixtures: GGUF files, a shelf to put them on, and the service running over the real engine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from services.llm import LlmService, LlmSettings
from services.llm.engines.llama import LlamaEngine
from services.testing import Bench, running
from shared.events import LlmFailed, LlmRequest, LlmResponse, Message, Role
from shared.installed import InstalledModel
from tests.kit import gguf_models

SETTINGS = LlmSettings(threads=1, cache_mb=0, prefix_disk_mb=0, builtin=False)
"""Nothing is remembered of earlier tests, no model but theirs answers, and one thread computes: the machine that runs
the tests is busy, and llama.cpp's threads wait for each other spinning."""


class Folder:
    """A shelf of language models: the files given, best first."""

    def __init__(self, *paths: Path) -> None:
        self.paths = list(paths)

    def installed(self, role: Role) -> Sequence[InstalledModel]:
        return [entry(path) for path in self.paths] if role == "llm" else ()


def entry(path: Path) -> InstalledModel:
    return InstalledModel("llm", path.stem, "llama-cpp", path.parent, (path,), ())


@contextlib.asynccontextmanager
async def serving(*paths: Path, settings: LlmSettings = SETTINGS) -> AsyncIterator[Bench]:
    """The service with the real engine and these files."""
    async with running(LlmService(settings, Folder(*paths), LlamaEngine())) as bench:
        yield bench


def ask(bench: Bench, *contents: str, **fields: object) -> LlmRequest:
    """Publish a request whose messages are spoken in turn by the person and the assistant."""
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[i % 2], content=c) for i, c in enumerate(contents))
    values = {"messages": messages, "tools": (), "max_tokens": 40, "temperature": 0.0, "seed": 1, "stop": ()} | fields
    return bench.publish(LlmRequest, **{"turn": 1, **values})


async def answered(bench: Bench, *contents: str, **fields: object) -> LlmResponse:
    """Ask, and return the response; a failure is a failed test."""
    ask(bench, *contents, **fields)
    ended = await bench.next(LlmResponse, LlmFailed)
    assert isinstance(ended, LlmResponse), ended
    return ended


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF of random weights; it never ends by itself."""
    return gguf_models.write_random(tmp_path_factory.mktemp("gguf") / "random.gguf")


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a GGUF which answers with the given pieces."""

    def write(*script: str | bytes, name: str = "scripted", **options: object) -> Path:
        return gguf_models.write_scripted(tmp_path / f"{name}.gguf", script, **options)  # type: ignore[arg-type]

    return write
