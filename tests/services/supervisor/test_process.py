"""From a signal to the end of the process: in time, with nothing pending and no warning, whatever hangs.

That it is in time, the process itself says: 0.95 s after the signal its own timer ends it with another status.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

_TREE = """
import asyncio, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from bus import Bus
from services.supervisor import Child, Supervisor, run_process
from shared.clock import SystemClock
from shared.events import TextEntered
from shared.ids import id_source

class Steady:
    name = "steady"
    consumes = (TextEntered,)
    async def run(self, ctx):
        ctx.ready()
        ctx.tasks.create_task(asyncio.sleep(1000))
        async for event in ctx.inbox:
            ctx.turn(event).start(asyncio.sleep(1000))

class Last(Steady):
    name = "last"
    async def run(self, ctx):
        ctx.emit(TextEntered, text="work", speak=False)
        ctx.ready()
        print("up", flush=True)
        MORE
        await asyncio.Event().wait()

async def main(stop):
    bus = Bus()
    tree = Supervisor(bus, SystemClock(), id_source("t"), "t", [Child(Steady), Child(Last)], stop_within=STOP)
    await tree.run(stop)
    print("stopped in order", flush=True)
    return 0

sys.exit(run_process(main, exit_within=EXIT))
"""

_DEAF = """
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                print("asked", flush=True)
"""
_BLOCKED = """
        time.sleep(1000)
"""
_THREAD = """
        asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1, "engine"), time.sleep, 1000)
"""


def launched(more: str = "", stop_within: float = 0.8, exit_within: float = 0.95) -> subprocess.Popen[str]:
    """A process with a tree of two services, the last of which also does `more`; it is up."""
    code = _TREE.replace("        MORE\n", more).replace("STOP", str(stop_within)).replace("EXIT", str(exit_within))
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Send the signal and return what the process still said until it was gone."""
    process.send_signal(number)
    return process.communicate(timeout=60)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_signal_stops_the_tree_in_order_and_quietly(number):
    """Exit within a second, with status 0, no pending task and no warning, in Python's development mode."""
    process = launched()
    out, err = ended(process, number)
    assert (process.returncode, out, err) == (0, "stopped in order\n", "")


@pytest.mark.slow
def test_a_task_that_swallows_its_cancellation_is_named_and_left_behind():
    """The tree is stopped nevertheless, and the process does not wait for it."""
    process = launched(_DEAF)
    out, _ = ended(process, signal.SIGTERM)
    assert "stopped in order" in out
    assert "service=last" in out
    assert "tasks=['last']" in out
    assert process.returncode == 0


@pytest.mark.slow
def test_what_blocks_the_end_is_cut_off_at_the_deadline():
    """A blocked event loop does not keep the process alive."""
    process = launched(_BLOCKED)
    out, _ = ended(process, signal.SIGTERM)
    assert "not ended in time" in out
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_thread_that_never_returns_is_left_behind():
    """Everything that had something to finish has: an engine that still loads is no failure."""
    process = launched(_THREAD)
    out, _ = ended(process, signal.SIGTERM)
    assert "stopped in order" in out
    assert "threads were left behind" in out
    assert process.returncode == 0


@pytest.mark.slow
def test_a_second_signal_ends_at_once():
    """For whoever has no patience: nothing else would end this one for a long time."""
    process = launched(_DEAF, stop_within=50, exit_within=50)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    ended(process, signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
