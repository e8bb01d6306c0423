"""llama.cpp's library: found when it appears, refused in words when it is broken, and silent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from services.llm import ModelUnusable
from services.llm.engines.library import library
from services.llm.engines.weights import Weights

ROOT = Path(__file__).parents[4]

LOAD = """
from services.llm.engines.library import installed, library
from services.llm import EngineMissing
print(installed())
try:
    library()
except EngineMissing as error:
    print(error)
"""


def python(code: str, *path: Path) -> str:
    """Run code in a fresh interpreter that finds packages in `path` first; returns all it printed."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(map(str, (*path, ROOT)))},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_a_library_that_is_half_installed_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text("raise FileNotFoundError('libllama.so')")
    there, message = python(LOAD, tmp_path).splitlines()
    assert there == "True"
    assert "libllama.so" in message
    assert "scripts/run" in message


def test_a_library_that_appears_later_is_found(tmp_path: Path) -> None:
    """The process that will use it has already looked in that folder and found nothing."""
    code = f"""
import pathlib, sys
from services.llm.engines.library import installed
place = pathlib.Path({str(tmp_path)!r})
sys.path[:] = [str(place)]
print(installed())
for name in ("llama_cpp", "jinja2"):
    print(installed())
    (place / name).mkdir()
    (place / name / "__init__.py").touch()
print(installed())
"""
    assert python(code).split() == ["False", "False", "False", "True"]


def test_llama_cpp_says_nothing_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its complaints become one warning in our log and the reason of the error."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00")
    with structlog.testing.capture_logs() as logged, pytest.raises(ModelUnusable):
        Weights(library(), broken, gpu_layers=0, wanted=lambda: True)
    assert capfd.readouterr() == ("", "")
    assert {entry["log_level"] for entry in logged} == {"warning"}


def test_layers_that_are_to_go_to_a_gpu_stay_where_there_is_none(random_model: Path) -> None:
    """What can be tested on any machine: a build without a GPU says so, and computes all the same."""
    weights = Weights(library(), random_model, gpu_layers=99, wanted=lambda: True)
    there = weights.where
    weights.close()
    assert there == ("99 layers on a GPU" if library().offloads else "on the CPU")


def test_a_file_nobody_waits_for_any_more_is_not_read_to_its_end(random_model: Path) -> None:
    with pytest.raises(ModelUnusable):
        Weights(library(), random_model, gpu_layers=0, wanted=lambda: False)
