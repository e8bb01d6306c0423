"""The stage: a folder to convert in before the whole is put in its place, locked as long as somebody works there.

What a killed conversion left behind is locked by nobody any more, and the next one clears it away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["staging"]

_PREFIX = ".converting-"


@contextlib.contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Yield an empty folder in `parent`, gone afterwards. Raises OSError."""
    with contextlib.ExitStack() as held:
        with _held(parent, fcntl.LOCK_EX):  # so that nobody meets a stage that is not locked yet
            _clear(parent)
            made = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent)))
            held.enter_context(_held(made, fcntl.LOCK_EX))
        yield made


def _clear(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), _held(left, fcntl.LOCK_EX | fcntl.LOCK_NB) as locked:
            if locked:
                shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path, how: int) -> Iterator[bool]:
    """Hold a folder's lock; yields False where another one does, or where the file system knows no locks."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, how)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(opened)
