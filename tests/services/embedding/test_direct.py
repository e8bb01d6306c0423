"""Vectors in a script: the same as over the bus, spread over threads, with the person's settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import sotto
from services.embedding.direct import Direct
from services.embedding.engines.lexical import LexicalEncoder
from services.embedding.port import TextsUnusable
from services.embedding.vectors import FORMS, nearest, normalised, written


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SOTTO_MODELS__FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sotto.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_rows_come_in_the_order_of_the_texts(threads: int) -> None:
    texts = [f"text number {n}" for n in range(7)]
    with Direct(LexicalEncoder(), threads) as direct:
        together = direct.embed(texts)
        assert together.shape == (7, 512)
        assert all(np.array_equal(direct.embed([text])[0], row) for text, row in zip(texts, together, strict=True))
        assert direct.embed([]).shape == (0, 512)


@pytest.mark.parametrize("dimensions", [-1, 513])
def test_dimensions_that_cannot_be_are_refused(dimensions: int) -> None:
    with Direct(LexicalEncoder()) as direct, pytest.raises(TextsUnusable):
        direct.embed(["a"], dimensions=dimensions)


def test_texts_are_compared_from_python(home: Path) -> None:
    assert sotto.embed(["my bike", "my bikes"], dimensions=100).shape == (2, 100)
    assert sotto.similarity("my bike", "my bikes") > sotto.similarity("my bike", "the sea")
    with sotto.embedder() as embedder:
        assert not embedder.info.meaning


def test_every_form_says_the_same_vector() -> None:
    row = normalised(np.array([[3.0, -4.0, 0.0, 0.5, 1, 1, 1, -1, 2]], np.float32))[0]
    forms = {form: written(row, form) for form in FORMS}
    assert np.allclose(forms["float"], row)
    assert forms["int8"] == [round(float(x) * 127) for x in row]
    assert forms["binary"] == "noA="
    assert {type(value) for value in forms.values()} == {list, str}


def test_the_nearest_come_first_and_equal_ones_in_their_order() -> None:
    rows = np.array([[0, 1], [1, 0], [1, 0], [0.7, 0.7]], np.float32)
    assert [place for place, _ in nearest(np.array([1, 0], np.float32), rows, 3)] == [1, 2, 3]
