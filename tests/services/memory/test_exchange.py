"""Export and import: what was written is taken back as it was, and a wrong line takes nothing."""

from __future__ import annotations

import pytest

from services.memory.errors import ImportRefused
from services.memory.exchange import exported, imported
from services.memory.store import Store
from tests.services.memory.test_store import fact, found, turn


@pytest.fixture
def stores(tmp_path):
    pair = Store(tmp_path / "a.sqlite3"), Store(tmp_path / "b.sqlite3")
    yield pair
    for store in pair:
        store.close()


def test_an_export_is_taken_back_as_it_was_and_only_once(stores):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1"))
    old.keep(fact("my bike code is 4513", "2", at=2))
    old.keep(turn("who?\nI, “Ada” \u2028 😀", "3", session="s", turn=4))
    lines = list(exported(old))
    assert all("\n" not in line for line in lines)
    assert [imported(new, lines), imported(new, lines)] == [3, 0]
    assert list(new.everything()) == list(old.everything())
    assert found(new, "bike code") == ["my bike code is 4513"]


def test_what_is_known_better_here_stays(stores):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1", at=1))
    new.keep(fact("my bike code is 4513", "2", at=2))
    imported(new, list(exported(old)))
    assert found(new, "bike code") == ["my bike code is 4513"]


@pytest.mark.parametrize("line", ["{}", "not json", '{"id": 3}', "[]", '{"id":"x","what":"idea","text":"t","at":1}'])
def test_a_line_that_is_no_memory_is_named_and_nothing_is_taken(stores, line):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1"))
    with pytest.raises(ImportRefused, match="Line 2"):
        imported(new, [*exported(old), line])
    assert list(new.everything()) == []
