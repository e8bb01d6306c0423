"""Vectors from a script: what is nearer comes first."""

from __future__ import annotations

from pathlib import Path

import sotto


def test_texts_are_put_in_order_by_how_well_they_answer(home: Path) -> None:
    ranked = sotto.rerank("the sea is blue", ["my bike code is 4512", "a blue sea", "the sea is blue"])
    assert [text for text, _ in ranked] == ["the sea is blue", "a blue sea", "my bike code is 4512"]
    assert sotto.rerank("anything", []) == []
    assert sotto.similarity("the sea", "the sea") > sotto.similarity("the sea", "my bike")
