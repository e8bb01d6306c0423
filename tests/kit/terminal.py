"""A running `sotto --json` in a process of its own, whose events are read as they come."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

__all__ = ["ROOT", "SOTTO", "Line", "Terminal", "home_of"]

Line = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
SOTTO = (sys.executable, "-m", "ui.cli")


def home_of(home: Path, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`env` with everything that Sotto keeps in `home`, and a hub that nobody reaches unless `env` names one."""
    own = {name: value for name, value in env.items() if not name.startswith("SOTTO_")}
    return {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        **own,
        "SOTTO_SKILLS__ALARMS_FILE": str(home / "alarms.json"),
        "SOTTO_MODELS__FOLDER": str(home),
        "SOTTO_MEMORY__FOLDER": str(home / "memory"),
        "SOTTO_JOURNAL__FOLDER": str(home / "sessions"),
        "SOTTO_GATEWAY__ENABLED": "false",
        "PYTHONPATH": str(ROOT),
    }


class Terminal:
    """Starts `sotto` with `options`; a context manager that ends it with SIGTERM.

    Its settings, alarms and models are kept in `home`, so that nothing of the person's own is touched. With `typed`
    lines can be typed into it. `program` is what is run instead of `sotto`, the command line's options follow it.
    """

    def __init__(
        self,
        home: Path,
        *options: str,
        env: Mapping[str, str] = os.environ,
        command: str = "",
        typed: bool = False,
        program: Sequence[str] = SOTTO,
    ) -> None:
        self.log: list[Line] = []
        """Every event read so far, as JSON objects."""
        self.errors = home / "errors.log"
        with self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*program, "--json", *options, *([command] if command else [])],
                stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env=home_of(home, env),
            )
        self._lines: SimpleQueue[Line | None] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def type(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def ask(self, line: str) -> Line:
        """Type a question and return the end of its turn."""
        self.type(line)
        return self.next("turn.finished")

    def hang_up(self) -> None:
        """End the input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit status, after having read all it still said."""
        self._process.send_signal(number)
        status = self.wait(10)
        self.rest()
        return status

    def rest(self) -> None:
        """Read all that an ended assistant said."""
        while (line := self._lines.get(timeout=10)) is not None:
            self.log.append(line)
        self._lines.put(None)

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself; returns its exit status."""
        try:
            return self._process.wait(timeout)
        finally:
            self._process.kill()
            if self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()

    def ready(self, *services: str, timeout: float = 30) -> None:
        """Return when all of `services` said that they are ready."""
        wanted = set(services)
        while wanted:
            wanted.discard(self.next("service.ready", timeout=timeout)["service"])

    def next(self, *kinds: str, timeout: float = 30, **least: object) -> Line:
        """Return the next event of one of `kinds` whose fields are at least as given; AssertionError if none comes."""
        while True:
            try:
                line = self._lines.get(timeout=timeout)
            except Empty:
                line = None
            if line is None:
                self._lines.put(None)
                came = [event["kind"] for event in self.log[-30:]]
                raise AssertionError(f"no {kinds} came; last: {came}; errors: {self.errors.read_text()[-2000:]}")
            self.log.append(line)
            if line["kind"] in kinds and all(line[field] >= value for field, value in least.items()):
                return line

    def silence(self, seconds: float, *kinds: str) -> None:
        """Read on until none of `kinds` came for so long: how a person finds out that nothing more is to come."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(Empty):
                line = self._lines.get(timeout=left)
                if line is None:
                    self._lines.put(None)
                    return
                self.log.append(line)
                until = time.monotonic() + seconds if line["kind"] in kinds else until

    def of(self, *kinds: str) -> list[Line]:
        """The events of these kinds that were read so far."""
        return [event for event in self.log if event["kind"] in kinds]

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(json.loads(line))
        self._lines.put(None)
