"""A large model is converted in a process of its own; its errors are the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.embedding import apart
from services.embedding.apart import convert_apart
from services.embedding.convert import convert
from services.embedding.port import ModelUnusable
from tests.kit.bert_models import write_bert


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is."""
    monkeypatch.setattr(apart, "_SMALL", 0)


@pytest.mark.usefixtures("large")
def test_it_writes_the_same_bytes(bert: Path, tmp_path: Path) -> None:
    convert_apart(bert, bert / "model.safetensors", tmp_path / "apart")
    convert(bert, tmp_path / "here")
    for file in ("model.arrow", "metadata.json", "tokenizer.json"):
        assert (tmp_path / "apart" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()


@pytest.mark.usefixtures("large")
def test_what_is_wrong_is_said_as_ever(tmp_path: Path) -> None:
    source = write_bert(tmp_path / "source", model_type="llama")
    with pytest.raises(ModelUnusable, match="model_type is llama") as raised:
        convert_apart(source, source / "model.safetensors", tmp_path / "made")
    assert "sotto models list" in raised.value.remedy


@pytest.mark.usefixtures("large")
def test_a_process_that_breaks_is_quoted(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_PROGRAM", "raise RuntimeError('no luck')")
    with pytest.raises(ModelUnusable, match="RuntimeError: no luck"):
        convert_apart(bert, bert / "model.safetensors", tmp_path / "made")


def test_a_small_one_is_converted_here(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    convert_apart(bert, bert / "model.safetensors", tmp_path / "made")
    assert (tmp_path / "made" / "metadata.json").is_file()
