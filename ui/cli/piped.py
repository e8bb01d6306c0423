"""Whether a text is piped in: something has been written to standard input, which is a pipe or a file."""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import termios

__all__ = ["is_piped", "is_silent"]

_PATIENCE_S = 0.5
"""Longest wait for the first byte: a pipe that somebody holds open and never writes to is no text."""


def is_piped(descriptor: int = 0, patience_s: float = _PATIENCE_S) -> bool:
    """True for a file that is not empty, and for a pipe with something in it. Reads nothing."""
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return os.fstat(descriptor).st_size > os.lseek(descriptor, 0, os.SEEK_CUR)
        if not stat.S_ISFIFO(mode):
            return False
        if not select.select([descriptor], [], [], patience_s)[0]:
            return False
        (waiting,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
    except OSError:
        return False
    return bool(waiting)


def is_silent(descriptor: int = 0) -> bool:
    """True for a pipe that somebody holds open and has written nothing into."""
    try:
        pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        return pipe and not select.select([descriptor], [], [], 0)[0]
    except OSError:
        return False
