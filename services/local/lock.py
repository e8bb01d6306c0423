"""A lock on an open file that lives as long as the process that took it, however that ends; on every system."""

from __future__ import annotations

import os
import sys

__all__ = ["locked"]

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 30
    """Where nothing is written: what is locked there can be read by nobody else."""

    def locked(file: int, *, shared: bool = False) -> bool:
        """Lock the file; False when somebody else has it. `shared` locks do not exclude each other where they exist."""
        os.lseek(file, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def locked(file: int, *, shared: bool = False) -> bool:
        """Lock the file; False when somebody else has it. `shared` locks do not exclude each other where they exist."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
