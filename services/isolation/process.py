"""The process of a service, as the assistant sees it: started, ended, and how it died in words for a person."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from services.isolation.wire import Wire
from shared.errors import SottoError

__all__ = ["EngineDied", "Process"]

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from services.isolation.host import main; main(int(sys.argv[1]))"
)
_ENDING_S = 0.3
_SLEEPING = "SIZ"
"""States of threads that wait for something that no processor can give them."""
_BROKE = {
    signal.SIGSEGV: "broke off with a segmentation fault (SIGSEGV)",
    signal.SIGBUS: "broke off with a bus error (SIGBUS)",
    signal.SIGILL: "broke off at an instruction that this processor does not know (SIGILL)",
    signal.SIGFPE: "broke off with an arithmetic error (SIGFPE)",
    signal.SIGABRT: "gave itself up (SIGABRT)",
    signal.SIGKILL: "was killed (SIGKILL)",
}


class EngineDied(SottoError):
    """The process of a service ended, or had to be ended."""


class Process:
    """A child of this process that waits for a Plan. `wire` speaks with it."""

    def __init__(self, child: subprocess.Popen[bytes], wire: Wire, ooms: int) -> None:
        self.wire = wire
        self._child = child
        self._why = ""
        self._ooms = ooms

    @classmethod
    async def start(cls) -> Process:
        """Start one; it has loaded what all services share when it reads its plan."""
        ours, theirs = socket.socketpair()
        wire = await Wire.over(ours)
        starting = asyncio.create_task(asyncio.to_thread(_start, theirs))
        try:
            child, ooms = await asyncio.shield(starting)
        except asyncio.CancelledError:
            wire.close()
            child, _ = await starting
            child.kill()
            child.wait()
            raise
        return cls(child, wire, ooms)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """True until it ended."""
        return self._child.poll() is None

    def kill(self, why: str) -> None:
        """End it here and now; `why` is told instead of the signal: "took more memory than it may"."""
        self._why = self._why or why
        self._child.kill()

    def was_stopped(self) -> bool:
        """True once after somebody stopped it with a signal (where the system tells)."""
        if not hasattr(os, "waitid"):
            return False
        with contextlib.suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None
        return False

    def at_rest(self) -> bool:
        """True when all its threads wait (Linux alone can tell). Reads from /proc: call it on a thread."""
        try:
            return all(_state(task) in _SLEEPING for task in Path(f"/proc/{self.pid}/task").iterdir())
        except OSError:
            return False

    def memory(self) -> int:
        """Bytes of memory that it holds. Call it on a thread."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    async def end(self) -> None:
        """Let it end, or end it."""
        self.wire.close()
        await asyncio.shield(asyncio.to_thread(self._reap))

    async def death(self) -> str:
        """Wait until it ended, as it does when its wire closed, and say how: "was killed (SIGKILL)"."""
        status = await asyncio.to_thread(self._reap)
        if self._why:
            return self._why
        if status >= 0:
            return f"ended with status {status}"
        if status == -signal.SIGKILL and await asyncio.to_thread(_ooms) > self._ooms:
            return "was killed because the machine ran out of memory"
        return _BROKE.get(signal.Signals(-status), f"was ended by a signal ({signal.Signals(-status).name})")

    def _reap(self) -> int:
        try:
            return self._child.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()


def _start(theirs: socket.socket) -> tuple[subprocess.Popen[bytes], int]:
    """Start it away from the terminal: a Ctrl-C there is not for it."""
    command = [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), json.dumps(sys.path)]
    with theirs:
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
            command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, start_new_session=True
        )
    return child, _ooms()


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def _ooms() -> int:
    """How often the kernel has ended a process for want of memory (Linux tells)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
