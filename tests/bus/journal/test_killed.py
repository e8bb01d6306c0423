"""kill -9 while recording: what was flushed is there, and reading does not stumble."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bus.journal import Recording
from tests.kit.terminal import ROOT

WRITER = """
import itertools, sys
from pathlib import Path
from bus.journal import Journal
from tests.bus.journal.conftest import Made

made, journal = Made(), Journal(Path(sys.argv[1]), "s1", started_at=1, sound=True, segment_bytes=20_000)
for number in itertools.count():
    for event in (made.text("x" * (number * 37 % 3000)), made.frame(0.5)):
        journal.write(event)
        journal.flush()
    print(number + 1, flush=True)
"""


@pytest.mark.parametrize("rounds", [1, 40, 111])
def test_all_that_was_flushed_is_there(tmp_path: Path, rounds: int) -> None:
    """Wherever the writer was; over several files; its lock does not outlive it."""
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < rounds:
            pass
        writer.kill()
        said = max([rounds, *map(int, writer.stdout.read().split())])
    recording = Recording(tmp_path / "s1")
    texts = [event.id for event in recording.events() if event.kind == "text.entered"]
    assert texts[:said] == [f"test-{2 * number + 1:010x}" for number in range(said)]
    assert all(problem.torn for problem in recording.problems)
    assert (recording.audio("microphone", 0, said * 320) == 0.5).all()
    assert not recording.summary().live
