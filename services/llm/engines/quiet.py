"""A thread that the system serves after all others: for work that must not slow anything down."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["QuietThread"]

_NICER = 10
"""Steps of niceness: against one busy neighbour on the same core it gets about a tenth of the time. Less than that
would keep an urgent question waiting for it to notice that it is to stop."""


class QuietThread:
    """Runs one call at a time; whoever asks waits for it, so that a context still has one user at any moment."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="llama-ahead", initializer=_step_back)

    def do(self, call: Callable[[], int]) -> int:
        """Return what the call returns."""
        return self._executor.submit(call).result()

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown()


def _step_back() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no niceness of its own
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICER))
