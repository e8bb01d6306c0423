"""The commands that make vectors and use them, with the encoder that needs no model."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from shared.errors import SottoError
from tests.kit.bert_models import write_bert
from ui.cli.main import app


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def sotto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process, with a home of its own; a foreseen error is what `main` prints of it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SOTTO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOTTO_MODELS__FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("SOTTO_CONFIG", str(tmp_path / "sotto.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", "false")  # numpy computes: the kernel has tests of its own
    (tmp_path / "sotto.toml").write_text('language = "en"\n')

    def run(*arguments: str, typed: str = "") -> Result:
        done = CliRunner().invoke(app, arguments, input=typed)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            assert isinstance(done.exception, SottoError), done.exception
            return Result(1, done.stdout, f"{done.stderr}{done.exception}")
        return Result(done.exit_code, done.stdout, done.stderr)

    return run


def test_a_text_is_a_line_of_numbers(sotto: Run) -> None:
    """And without a model it is said, beside, that they tell spelling only."""
    done = sotto("embed", "the blue bike")
    assert len(json.loads(done.stdout)) == 512
    assert "no meaning" in done.stderr
    assert "sotto models pull" in done.stderr


def test_each_line_of_the_input_is_a_vector_with_its_facts(sotto: Run) -> None:
    done = sotto("embed", "--json", "--model", "lexical", "--form", "base64", typed="one\n\ntwo\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["one", "two"]
    assert {row["engine"] for row in rows} == {"lexical"}
    assert all(np.frombuffer(base64.b64decode(row["vector"]), "<f4").shape == (512,) for row in rows)
    assert done.stderr == ""


def test_nearer_texts_have_higher_scores(sotto: Run) -> None:
    done = sotto("similarity", "my bike", "my bikes", "the weather", "--json")
    scores = [json.loads(line)["score"] for line in done.stdout.splitlines()]
    assert scores[0] > scores[1]


def test_the_best_answers_come_first(sotto: Run) -> None:
    done = sotto("rerank", "bike code", "tea", "my bike code is 4512", "a bike", "--top", "2")
    assert [line.split("  ", 1)[1].strip() for line in done.stdout.splitlines()] == ["my bike code is 4512", "a bike"]


def test_vectors_may_be_given_as_numbers(sotto: Run) -> None:
    assert sotto("vector", "distance", "[1, 0]", "[0, 1]").stdout.strip() == "cosine 0.0000, distance 1.4142"
    assert json.loads(sotto("vector", "average", "[1, 0]", "[0, 1]").stdout) == pytest.approx([0.5**0.5] * 2)
    assert json.loads(sotto("vector", "arithmetic", "[1, 1]", "--minus", "[0, 1]").stdout) == [1.0, 0.0]


def test_the_nearest_lines_of_a_file_are_found(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy tea\n\nmy bike code is 4512\n")
    done = sotto("vector", "search", "code of the bike", "notes.txt", "--top", "1", "--json")
    assert json.loads(done.stdout)["text"] == "my bike code is 4512"


@pytest.mark.parametrize(
    "line",
    [
        "[ ] buy milk",
        "[x] my bike code",
        "[2024-05-01 10:00:00] started",
        "[    0.000000] Linux version",
        "[a page](https://example.org)",
        "[1] Smith, 2020",
        "[[1]]",
        '["a"]',
        "[true]",
        "[" * 3000 + "deep",
    ],
    ids=lambda line: line[:20],
)
def test_a_text_may_begin_with_a_bracket(sotto: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "notes.txt").write_text(f"something else\n{line}\n")
    done = sotto("vector", "search", line, "notes.txt", "--top", "1", "--json")
    assert json.loads(done.stdout)["text"] == line


def test_a_file_may_hold_vectors(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("[1, 0]\n  [0.5, -1e0]\n")
    done = sotto("vector", "search", "[0, -1]", "vectors.txt", "--top", "1", "--json")
    assert json.loads(done.stdout)["text"] == "  [0.5, -1e0]"


@pytest.mark.parametrize(
    "wrong",
    [
        "[1, ",
        "[]",
        "[1 2]",
        "[1, 2,]",
        "[.5]",
        "[1e]",
        "[NaN, 1]",
        "[1e39, 1]",
        "[1e999, 1]",
        f"[1{'0' * 400}]",
        "[1, 2, 3]",
    ],
)
def test_what_is_no_vector_is_said_to_be_none(sotto: Run, wrong: str) -> None:
    done = sotto("vector", "distance", wrong, "[0, 1]")
    assert done.returncode == 1
    assert "vector" in done.stderr.lower()


def test_a_model_is_converted_checked_and_used(sotto: Run, tmp_path: Path) -> None:
    write_bert(tmp_path / "models" / "embedding" / "mine")
    done = sotto("models", "convert", "mine", "--json")
    told = json.loads(done.stdout)
    assert told["cosine"] > 0.999
    assert (told["engine"], told["texts"]) == ("onnx", 6)
    assert json.loads(sotto("embed", "the cat", "--json").stdout)["model"] == "mine"


def test_a_model_is_archived_and_unpacked(sotto: Run, tmp_path: Path) -> None:
    write_bert(tmp_path / "models" / "embedding" / "mine")
    kept, again = str(tmp_path / "mine.parquet"), str(tmp_path / "again")
    assert "Archived in" in sotto("models", "convert", "mine", "--archive", kept).stdout
    assert "Unpacked to" in sotto("models", "convert", kept, "--to", again).stdout
    one, two = (sotto("embed", "the cat", "--model", model).stdout for model in ("mine", again))
    assert json.loads(one) == pytest.approx(json.loads(two), abs=0.01)  # the exact weights, and those that were packed


def test_a_folder_without_a_model_is_said_to_be_one(sotto: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = sotto("models", "convert", "empty")
    assert done.returncode == 1
    assert "config.json" in done.stderr
    assert sotto("embed", "x", "--model", "nobody").returncode == 1
