"""Fixtures: a hub on loopback, a catalogue of small files on it, and a store in a folder of its own."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.models import Catalogue, ModelsSettings, Progress, Store
from tests.kit.hub import Hub, serving

REPOSITORY = "acme/tiny-whisper"
BIG = random.Random(1).randbytes(3_000_000)
SMALL = b'{"model_type": "whisper"}'


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def catalogue_text(sha256: str | None = None, size: int | None = None, sources: str = "") -> str:
    """A catalogue of one model; hash and size of its big file are stated when given."""
    stated = f', sha256 = "{sha256}", checked = "confirmed"' if sha256 else ""
    stated += f", bytes = {size}" if size else ""
    return f"""
[default]
small = ["tiny"]
medium = ["tiny"]
large = ["tiny"]
gpu = ["tiny"]
[voice]
[[model]]
name = "tiny"
role = "stt"
engine = "faster-whisper"
repository = "{REPOSITORY}"
revision = "0123456789abcdef"
licence = "MIT"
free = true
languages = ["en"]
summary = "For tests."
sources = [{sources}]
files = [{{ path = "config.json" }}, {{ path = "weights/model.bin"{stated} }}]
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as running:
        running.files = {f"{REPOSITORY}/config.json": SMALL, f"{REPOSITORY}/weights/model.bin": BIG}
        yield running


@pytest.fixture
def store_of(tmp_path: Path, hub: Hub) -> Callable[..., Store]:
    """Return a function that opens the store with a catalogue text and settings."""

    def store(text: str = catalogue_text(digest(BIG), len(BIG)), **settings: object) -> Store:
        listed = tmp_path / "catalogue.toml"
        listed.write_text(text, encoding="utf-8")
        values = {"folder": tmp_path / "models", "endpoint": hub.endpoint, **settings}
        return Store(ModelsSettings.model_validate(values), Catalogue(listed))

    return store


@pytest.fixture
def store(store_of: Callable[..., Store]) -> Store:
    return store_of()


def pulled(store: Store, name: str = "tiny", **options: str) -> list[Progress]:
    """Pull to the end and return the progress that was seen."""

    async def pull() -> list[Progress]:
        return [progress async for progress in store.pull(name, **options)]

    return asyncio.run(pull())
