"""Recorded sessions that once showed a mistake: copied into `reports`, each comes out the same to the byte.

A session's folder is one that `sotto sessions list` names; its events are enough. Where a decision is meant to be
another now, the report has done its work: delete it, or record the conversation anew.
"""

from __future__ import annotations

from pathlib import Path

from bus.journal import Recording
from services.dialogue.again import check

REPORTS = Path(__file__).with_name("reports")


def test_each_report_comes_out_as_it_was_recorded() -> None:
    folders = [path.parent for path in sorted(REPORTS.glob("*/journal.json"))]
    assert folders
    for folder in folders:
        done = check(Recording(folder))
        assert (folder.name, done.difference, done.problems, done.same) == (folder.name, "", (), True)
