"""The page of memory tells what memory cannot do."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.errors import SottoError
from ui.dashboard.feed import Feed
from ui.dashboard.views.memory import found


def feed(answer: dict[str, Any] | None) -> Feed:
    """One whose memory answers so."""
    made = SimpleNamespace(
        view=lambda: contextlib.nullcontext(SimpleNamespace(session="s")),
        gateway=SimpleNamespace(inject=lambda *_, **__: "e-1"),
        answer=lambda _: answer,
    )
    return cast("Feed", made)


def test_what_is_remembered_is_shown() -> None:
    item = {"id": "f-1", "text": "my bike code is 4512"}
    assert found(feed({"items": [item], "problem": ""}), "bike") == [item]
    assert found(feed({"items": []}), "bike") == []


@pytest.mark.parametrize("answer", [None, {"items": [], "problem": "memory.sqlite3 cannot be read."}])
def test_a_memory_that_cannot_be_read_is_not_an_empty_one(answer: dict[str, Any] | None) -> None:
    with pytest.raises(SottoError, match=r"does not answer|cannot be read"):
        found(feed(answer), "bike")
