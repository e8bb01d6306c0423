"""No more threads than there is processor time for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.cores import cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("max 100000", ALL),
        ("100000 100000", 1),
        ("50000 100000", 1),
        (f"{100 * ALL}000 100000", ALL),
        ("9900000 100000", ALL),
        ("", ALL),
        ("1 0", ALL),
    ],
)
def test_a_containers_quota_counts(tmp_path: Path, said: str, found: int) -> None:
    (tmp_path / "cpu.max").write_text(said + "\n")
    assert cores(tmp_path) == found


@pytest.mark.parametrize(("time", "found"), [(-1, ALL), (100_000, 1), (9_900_000, ALL)])
def test_so_does_one_of_the_first_version(tmp_path: Path, time: int, found: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{time}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cores(tmp_path) == found


def test_without_groups_all_count(tmp_path: Path) -> None:
    assert cores(tmp_path) == ALL
