"""`sotto generate` and `sotto tokens`: pipe in, stream out, in the form asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit import gguf_models
from tests.kit.terminal import home_of

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[bytes]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sotto(tmp_path: Path) -> Run:
    """Runs `sotto` with a home of its own."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SOTTO_")},
        "SOTTO_MODELS__FOLDER": str(tmp_path / "models"),
        "SOTTO_LLM__THREADS": "1",
        "SOTTO_LLM__CACHE_FOLDER": str(tmp_path / "answers"),
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }

    def run(*arguments: str, piped: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "ui.cli", *arguments],
            input=piped, env=env, cwd=tmp_path, capture_output=True, timeout=110, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def scripted(tmp_path: Path) -> str:
    path = gguf_models.write_scripted(tmp_path / "scripted.gguf", ["The sea", " is", " größer", "."])
    return str(path)


@pytest.fixture
def random(tmp_path: Path) -> str:
    return str(gguf_models.write_random(tmp_path / "random.gguf"))


def test_what_is_piped_in_is_answered(sotto: Run, scripted: str) -> None:
    done = sotto("generate", "--model", scripted, "Answer:", piped="Which is größer?\xff\0".encode("latin-1"))
    assert (done.stdout.decode(), done.returncode) == ("The sea is größer.\n", 0)


def test_words_are_answered_though_the_pipe_stays_open_and_silent(tmp_path: Path, scripted: str) -> None:
    command = [sys.executable, "-m", "ui.cli", "generate", "--model", scripted, "Which?"]
    env = {**home_of(tmp_path), "SOTTO_LLM__THREADS": "1", "SOTTO_LLM__CACHE_MB": "0", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        command, env=env, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.read().decode() == "The sea is größer.\n"
        assert b"only the words are taken" in running.stderr.read()


def test_as_json_it_is_one_object_with_chances_and_fingerprint(sotto: Run, scripted: str) -> None:
    options = ("--json", "--strict", "--logprobs", "2", "--stop", " gr")
    done = sotto("generate", "--model", scripted, *options, "Which?")
    row = json.loads(done.stdout)
    assert (row["text"], row["finish"], row["model"]) == ("The sea is", "stop", "scripted")
    assert len(row["fingerprint"]) == 32
    assert [len(chance["others"]) for chance in row["logprobs"]] == [2, 2, 2]


def test_the_form_asked_for_is_kept_to(sotto: Run, random: str) -> None:
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}},
                         "required": ["n"]})  # fmt: skip
    warm = ("--model", random, "--temperature", "2", "--seed", "5")
    assert 0 <= json.loads(sotto("generate", *warm, "--schema", schema, "A number").stdout)["n"] <= 9


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "no text"),
        (("--schema", "{", "x"), "no JSON"),
        (("--choices", "", "x"), "nothing to choose from"),
        (("--choices", " , ", "x"), "nothing to choose from"),
        (("--regex", "", "x"), "pattern is empty"),
        (("--model", "nobody", "x"), "sotto models pull nobody"),
    ],
)
def test_what_cannot_be_done_is_said_and_what_to_do(
    sotto: Run, scripted: str, options: tuple[str, ...], says: str
) -> None:
    model = () if "--model" in options else ("--model", scripted)
    done = sotto("generate", *model, *options)
    assert done.returncode == 1
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_tokens_are_shown_or_told_as_json(sotto: Run, random: str) -> None:
    row = json.loads(sotto("tokens", "--model", random, "--json", piped="é<|im_end|>".encode()).stdout)
    assert (row["model"], row["count"], [t["id"] for t in row["tokens"]]) == ("random", 3, [195, 169, 258])
    assert "104  'h'" in sotto("tokens", "--model", random, "hi").stdout.decode()


def test_tokens_are_told_back_as_the_text_they_were_cut_from(sotto: Run, random: str) -> None:
    done = sotto("tokens", "--model", random, "--decode", piped=b"195, 169 258\n104")
    assert done.stdout.decode() == "é<|im_end|>h\n"
    row = json.loads(sotto("tokens", "--model", random, "--decode", "104", "105", "--json").stdout)
    assert row == {"model": "random", "count": 2, "text": "hi"}
    for ids, says in (("hi", "is no token's id"), ("99999", "Its tokens are 0 to")):
        refused = sotto("tokens", "--model", random, "--decode", ids)
        assert (refused.returncode, says in refused.stderr.decode()) == (1, True)
