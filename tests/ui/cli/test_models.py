"""`sotto models` tells what a GGUF says of itself, without loading it, and why one cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.kit import gguf_models
from tests.kit.terminal import home_of


def sotto(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui.cli", "models", *arguments],
        env=home_of(home), cwd=home, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def test_info_and_verify_read_a_file_added_by_hand(tmp_path: Path) -> None:
    path = gguf_models.write_random(tmp_path / "mine.gguf")
    told = json.loads(sotto(tmp_path, "info", "mine", "--json").stdout)
    assert (told["architecture"], told["quantisation"], told["context"]) == ("llama", "F32", 4096)
    assert told["memory"] > told["bytes"] == path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1000])
    assert json.loads(sotto(tmp_path, "info", "mine", "--json").stdout)["state"] == "damaged"
    checked = sotto(tmp_path, "verify", "mine")
    assert checked.returncode == 1
    assert "cut off" in checked.stdout
