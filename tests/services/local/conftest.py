"""A place of a test's own: short, because the path of a socket may have a hundred bytes; and one as on Windows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.place import Place
from tests.services.llm.conftest import random_model, scripted

__all__ = ["place", "random_model", "scripted"]


@pytest.fixture(params=[False, True], ids=["socket", "loopback"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        yield Place(Path(folder) / "run", loopback=request.param)
