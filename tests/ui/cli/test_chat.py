"""`sotto chat` remembers what was said; a text that is piped into `sotto` is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit import gguf_models
from tests.kit.terminal import home_of
from ui.cli.piped import is_piped

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def sotto(tmp_path: Path) -> Run:
    """Runs `sotto` with a home and a model of its own."""
    env = {**home_of(tmp_path), "SOTTO_LLM__THREADS": "1", "SOTTO_LLM__CACHE_MB": "0"}
    gguf_models.write_scripted(tmp_path / "scripted.gguf", ["The sea", " is", " deep."])

    def run(*arguments: str, piped: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "ui.cli", *arguments],
            input=piped, env=env, cwd=tmp_path, capture_output=True, timeout=90, check=False,
        )  # fmt: skip

    return run


def test_each_line_is_answered(sotto: Run) -> None:
    done = sotto(
        "chat", "--temperature", "0", piped=b"How is the sea?\n\n/new\n/system Be brief.\nAnd now?\n/quit\nNo\n"
    )
    assert (done.stdout, done.returncode) == (b"The sea is deep.\n" * 2, 0)


def test_an_interrupt_stops_the_answer_and_not_the_chat(tmp_path: Path) -> None:
    gguf_models.write_random(tmp_path / "random.gguf")
    env = {**home_of(tmp_path), "SOTTO_LLM__THREADS": "1", "SOTTO_LLM__CACHE_MB": "0"}
    command = [sys.executable, "-m", "ui.cli", "chat", "--max-tokens", "100000"]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Go on for ever.\n")
        process.stdin.flush()
        assert process.stdout.read(1), "it answers"
        process.send_signal(signal.SIGINT)
        process.stdin.write(b"/quit\n")
        process.stdin.close()
        process.stdout.read()
        assert process.wait(60) == 0


def test_what_is_piped_in_is_answered_without_a_command(sotto: Run, tmp_path: Path) -> None:
    assert sotto(piped=b"How is the sea?\n").stdout == b"The sea is deep.\n"


def test_only_what_is_written_counts_as_piped(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "full").write_bytes(b"words")
    for path, piped in ((Path("/dev/null"), False), (tmp_path / "empty", False), (tmp_path / "full", True)):
        with path.open("rb") as file:
            assert is_piped(file.fileno()) is piped
    reader, writer = os.pipe()
    assert not is_piped(reader), "nobody has written yet"
    os.write(writer, b"w")
    assert is_piped(reader)
    assert os.read(reader, 2) == b"w", "nothing was taken from it"
    os.close(writer)
    assert not is_piped(reader)
    os.close(reader)


def test_an_answer_that_cannot_be_had_is_told_and_the_chat_goes_on(sotto: Run) -> None:
    done = sotto("chat", "--model", "nobody", piped=b"Who?\n/model\nHow is the sea?\n")
    assert b"no language model named nobody" in done.stderr
    assert done.stdout.endswith(b"deep.\n")
