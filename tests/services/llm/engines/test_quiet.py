"""The quiet thread: one, and served after everything else where the system can do that."""

from __future__ import annotations

import os
import sys
import threading

from services.llm.engines.quiet import QuietThread


def test_it_steps_back_and_the_caller_does_not() -> None:
    quiet = QuietThread()
    here = _niceness() if sys.platform == "linux" else 0
    there = quiet.do(_niceness) if sys.platform == "linux" else 10
    assert there == min(19, here + 10)
    assert quiet.do(threading.get_native_id) == quiet.do(threading.get_native_id) != threading.get_native_id()
    if sys.platform == "linux":
        assert _niceness() == here
    quiet.close()


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
