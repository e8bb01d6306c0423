"""The file of remembered answers: bounded, carried elsewhere, and begun anew when it broke."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.llm.answers import AnswerStore, CacheUnusable, Kept


def kept(text: str) -> Kept:
    return Kept(((0, text),), {"text": text})


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return AnswerStore(tmp_path / "answers.sqlite3")


def test_what_is_used_often_and_lately_stays(tmp_path: Path) -> None:
    moment = 0.0
    store = AnswerStore(tmp_path / "a", entries=10, now=lambda: moment)
    for i in range(10):
        store.put(f"{i}", kept(f"{i}"))
    for _ in range(3):
        store.get("0")
    moment = 86400.0
    store.put("new", kept("new"))
    left = {line.key for line in store.lines()}
    store.close()
    assert {"0", "new"} < left
    assert len(left) == 9


def test_limits_of_bytes_and_age_hold(tmp_path: Path) -> None:
    moment = 0.0
    store = AnswerStore(tmp_path / "a", limit=3000, keep_s=10, now=lambda: moment)
    for i in range(10):
        store.put(f"{i}", kept("x" * 500))
    assert sum(line.bytes for line in store.lines()) <= 3000
    moment = 11.0
    assert [store.get(f"{i}") for i in range(10)] == [None] * 10
    store.put("new", kept("new"))
    assert [line.key for line in store.lines()] == ["new"]
    assert store.clear() == 1
    store.close()


def test_the_limit_is_one_of_bytes(store: AnswerStore) -> None:
    store.put("k", kept("ä" * 1000))
    assert [line.bytes > 2000 for line in store.lines()] == [True]
    other = AnswerStore(store.path.with_name("other"))
    assert other.load(store.dump()) == 1
    assert [line.bytes for line in other.lines()] == [line.bytes for line in store.lines()]
    store.close()
    other.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough to look at" * 100, b"SQLite format 3\0"])
def test_a_broken_file_is_set_aside_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.sqlite3"
    path.write_bytes(content)
    store = AnswerStore(path)
    store.put("k", kept("x"))
    assert store.get("k") == kept("x")
    store.close()
    assert (tmp_path / "answers.sqlite3.broken").read_bytes() == content


def test_a_file_of_another_version_is_set_aside(store: AnswerStore, tmp_path: Path) -> None:
    import sqlite3

    store.put("k", kept("x"))
    store.close()
    file = sqlite3.connect(store.path)
    file.execute("PRAGMA user_version = 99")
    file.close()
    assert store.get("k") is None
    store.close()
    assert (tmp_path / "answers.sqlite3.broken").exists()


def test_answers_are_carried_from_one_file_to_another(store: AnswerStore, tmp_path: Path) -> None:
    for i in range(3):
        store.put(f"{i}", kept(f"ä{i}"))
    other = AnswerStore(tmp_path / "other.sqlite3")
    assert other.load(store.dump()) == 3
    assert other.get("1") == kept("ä1")
    with pytest.raises(CacheUnusable, match="Line 2"):
        other.load([json.dumps({"key": "new", "made": 0, "answer": {"pieces": [], "fields": {}}}), "{}"])
    assert other.get("new") is None, "all or none"
    store.close()
    other.close()
