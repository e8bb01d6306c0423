"""`sotto cache`: remembered answers are listed, carried and forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.llm.answers import AnswerStore, Kept
from ui.cli.main import app, main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two remembered answers."""
    monkeypatch.setenv("SOTTO_LLM__CACHE_FOLDER", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    store = AnswerStore(tmp_path / "answers.sqlite3")
    for key, text in (("a" * 64, "The sea\nis wide."), ("b" * 64, "größer")):
        store.put(key, Kept(((0, text),), {"text": text}))
    store.get("b" * 64)
    store.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cache", *arguments], catch_exceptions=False)


def test_stats_and_path(folder: Path) -> None:
    row = json.loads(run("stats", "--json").stdout)
    assert (row["answers"], row["told_again"]) == (2, 1)
    assert row["path"] == str(folder / "answers.sqlite3") == run("path").stdout.strip()


def test_the_most_used_is_listed_first(folder: Path) -> None:
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert [row["text"] for row in rows] == ["größer", "The sea\nis wide."]


def test_they_are_exported_forgotten_and_taken_in_again(folder: Path) -> None:
    assert run("export", "-o", "out.jsonl").exit_code == 0
    run("clear")
    assert json.loads(run("stats", "--json").stdout)["answers"] == 0
    run("import", "out.jsonl")
    assert json.loads(run("stats", "--json").stdout)["answers"] == 2


def test_a_file_that_is_no_export_is_refused_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.jsonl").write_text("{}\n")
    monkeypatch.setattr("sys.argv", ["sotto", "cache", "import", "broken.jsonl"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "Line 1" in capsys.readouterr().err
