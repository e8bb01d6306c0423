"""The built-in encoder: near for like spelling, the same for the same text, and honest about what it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedding.engines.lexical import LexicalEncoder
from services.embedding.vectors import from_bytes

ENCODER = LexicalEncoder()


def rows(*texts: str) -> np.ndarray:
    return from_bytes(ENCODER.encode(ENCODER.read(texts, "")), ENCODER.info.dimensions)


def test_it_says_that_it_knows_no_meaning() -> None:
    assert not ENCODER.info.meaning
    assert "no meaning" in ENCODER.info.detail


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("what is my bike code", "My bike code is 4512.", "The weather is fine."),
        ("Fahrräder", "ein Fahrrad im Keller", "eine Katze im Keller"),
        ("café", "the cafe around the corner", "the cave around the corner"),
        ("🎂", "bring 🎂 tomorrow", "bring tea tomorrow"),
    ],
)
def test_like_spelling_is_near(query: str, near: str, far: str) -> None:
    one, two, three = rows(query, near, far)
    assert one @ two > one @ three


@given(st.lists(st.text(), max_size=5))
def test_any_text_has_a_vector_and_its_company_does_not_matter(texts: list[str]) -> None:
    together = rows(*texts)
    assert together.tobytes() == b"".join(rows(text).tobytes() for text in texts)
    assert np.isfinite(together).all()


def test_a_text_that_says_nothing_is_all_zeros() -> None:
    assert not rows("", " \n", "\x00").any()


def test_ten_megabytes_are_cut_and_it_is_said() -> None:
    (passage,) = ENCODER.read(["a" * 10_000_000], "")
    assert passage.truncated
