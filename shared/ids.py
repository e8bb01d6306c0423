"""Identifiers that sort by creation: a process prefix and a counter, some ten times cheaper than a UUID."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable

__all__ = ["id_source", "process_prefix"]


def process_prefix() -> str:
    """Sixteen hex digits: the start of the process in ms, then four random digits against twins."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(2).hex()}"


def id_source(prefix: str) -> Callable[[], str]:
    """Return a function giving `prefix` and a ten-digit hex counter: ids of one source sort as they were made."""
    count = itertools.count(1).__next__
    return lambda: f"{prefix}{count():010x}"
