"""`sotto daemon`: the engines in the background, one for each person, found by the commands and the package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.local.place import Place
from tests.kit import gguf_models
from tests.kit.terminal import ROOT, home_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        yield Place(Path(folder) / "sotto")


@pytest.fixture
def sotto(tmp_path: Path, place: Place) -> Iterator[Run]:
    """Runs `sotto` with a home of its own; a daemon that it started ends with the test."""
    env = {**home_of(tmp_path), "XDG_RUNTIME_DIR": str(place.folder.parent)}
    del env["SOTTO_MODELS__FOLDER"]  # what is set for one command alone is not asked of a daemon
    (tmp_path / "sotto.toml").write_text(
        f'[models]\nfolder = "{tmp_path}"\n[llm]\nthreads = 1\ncache_mb = 0\n', encoding="utf-8"
    )
    gguf_models.write_scripted(tmp_path / "scripted.gguf", ["The sea", " is", " deep."])

    def run(*arguments: str, piped: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ui.cli", *arguments],
            input=piped, env=env | more, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip

    yield run
    holder = place.holder()
    if holder is not None:
        os.kill(holder.pid, signal.SIGKILL)


def test_it_starts_once_answers_and_stops(sotto: Run, place: Place, tmp_path: Path) -> None:
    started = sotto("daemon", "start")
    assert started.returncode == 0, started.stderr
    holder = place.holder()
    assert holder is not None
    assert holder.what == "daemon"
    again = sotto("daemon", "start")
    assert (again.returncode, place.holder()) == (0, holder)
    assert "runs already" in again.stdout
    status = json.loads(sotto("daemon", "status", "--json").stdout)
    assert (status["running"], status["pid"]) == (True, holder.pid)
    assert sotto("generate", "How is the sea?").stdout == "The sea is deep.\n"
    script = "import sotto; print(sotto.generate('How is the sea?'))"
    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=110, check=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(place.folder.parent), "SOTTO_MODELS__FOLDER": str(tmp_path / "no")},
    )  # fmt: skip
    assert asked.stdout == "The sea is deep.\n", "it was asked of the daemon: there is no model in this process"
    assert sotto("daemon", "stop").stdout == "Stopped.\n"
    assert place.holder() is None
    assert not place.address.exists()
    assert "No daemon" in sotto("daemon", "stop").stdout


def test_one_that_died_is_replaced(sotto: Run, place: Place) -> None:
    sotto("daemon", "start")
    holder = place.holder()
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    while place.holder() is not None:
        os.sched_yield()
    assert "died" in sotto("daemon", "status").stdout
    assert sotto("daemon", "start").returncode == 0


def test_one_that_cannot_start_says_why(sotto: Run) -> None:
    refused = sotto("--set", "llm.threads=many", "daemon", "start")
    assert refused.returncode == 1
    assert "llm.threads" in refused.stderr
