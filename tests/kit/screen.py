"""`sotto` at a terminal of its own: what it shows is read as text, and keys are pressed."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.kit.terminal import ROOT, SOTTO, home_of

__all__ = ["Screen"]

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")


class Screen:
    """Starts `sotto` with `options` on a pseudo-terminal, 120 columns wide; a context manager that ends it."""

    def __init__(self, home: Path, *options: str, env: Mapping[str, str] = os.environ) -> None:
        self._keys, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [*SOTTO, *options],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env=home_of(home, env) | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            start_new_session=True,
            # Whoever runs the tests in the background ignores Ctrl-C, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        os.close(theirs)
        self.text = ""
        """Everything shown so far, without colours and movements."""
        self._read_until = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._keys)

    def press(self, keys: str) -> None:
        """Press keys; Return is a newline, Ctrl-C is \\x03 (which nothing here turns into a signal)."""
        os.write(self._keys, keys.encode())

    def shows(self, text: str, timeout: float = 30) -> str:
        """Wait for `text` behind what was waited for before; returns what was shown up to its end."""
        deadline = time.monotonic() + timeout
        while (found := self.text.find(text, self._read_until)) < 0:
            if not self._more(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown; the screen: {self.text[-3000:]}")
        began, self._read_until = self._read_until, found + len(text)
        return self.text[began : self._read_until]

    def leave(self) -> int:
        """Send SIGINT, read to the end and return the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.end()

    def end(self, timeout: float = 30) -> int:
        """Read until the process ends; returns its exit status."""
        deadline = time.monotonic() + timeout
        while self._more(deadline - time.monotonic()):
            pass
        return self._process.wait(1)

    def _more(self, timeout: float) -> bool:
        if timeout <= 0 or not select.select([self._keys], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._keys, 65_536)
        except OSError:  # Linux says EIO when the other side was closed
            return False
        self.text += _ESCAPES.sub("", data.decode(errors="replace")).replace("\r", "")
        return bool(data)
