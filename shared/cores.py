"""How many processors this process may use: fewer than the machine has where it was pinned, or in a container."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cores"]

_CGROUP = Path("/sys/fs/cgroup")


def cores(groups: Path = _CGROUP) -> int:
    """Return the processors that this process may use at a time, at least one.

    Counted are those it may run on, and no more than a container's quota of processor time (Linux' cgroups, of either
    version) is worth: threads beyond it would be held up for the rest of each period.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(groups)
    return max(1, min(allowed, int(quota))) if quota else allowed


def _quota(groups: Path) -> float:
    """Processors that the time is worth; 0 for no limit."""
    try:
        if (groups / "cpu.max").is_file():
            time, period = (groups / "cpu.max").read_text().split()
        else:
            time, period = ((groups / "cpu" / f"cpu.cfs_{part}_us").read_text() for part in ("quota", "period"))
        return max(0.0, int(time) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # "max" among them
        return 0.0
