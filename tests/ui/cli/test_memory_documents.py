"""`sotto memory forget FILE`: what was read from a file is nowhere any more, and the file stays where it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.kit.terminal import SOTTO, Terminal

pytestmark = pytest.mark.slow


def test_what_a_sotto_that_runs_told_of_a_watched_file_is_forgotten_everywhere(tmp_path: Path) -> None:
    """It is in the recording too, and the receipt says that the file is where it was."""
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    file = tmp_path / "notes" / "safe.md"
    file.parent.mkdir()
    file.write_text("# Safe\nThe combination of the safe is 773154 and nobody knows it.\n", "utf-8")

    def memory(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*SOTTO, "memory", *arguments, "--json"]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)

    settings = ("--set", "memory.vectors=false", "--set", f'memory.watch=["{file.parent}"]')
    with Terminal(tmp_path, "--text", *settings, env=env, typed=True) as terminal:
        terminal.ready("dialogue", "skills", "memory", "journal", "local")
        while "safe.md" not in memory("search", "safe").stdout:
            pass
        terminal.ask("what do you know about the combination of the safe")
        done = memory("forget", str(file))
    assert done.returncode == 0, done.stderr
    removed = {line["store"]: line for line in json.loads(done.stdout)["removed"]}
    assert [removed[store]["count"] for store in ("passages", "conversations", "dialogue", "journal")] == [1, 1, 1, 1]
    assert "stay where they are" in removed["passages"]["detail"]
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"773154" in path.read_bytes()] == [file]
