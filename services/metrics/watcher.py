"""The watcher: a thread beside the event loop that sees when the loop stalls, and in what, and what the process costs.

It takes nothing from the loop but one beat every 25 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from services.metrics.gpus import Gpu, Gpus

if TYPE_CHECKING:  # loaded on the watcher's thread
    import psutil

__all__ = ["Reading", "Stall", "Watcher"]

_BEAT_S = 0.025
_COLLECTION_S = 0.005
_CALLS = 12
"""Calls of a stack that are kept, the innermost last."""
_IDLE = frozenset({"select", "wait", "_worker", "_next"})
"""Where a thread is that has nothing to do (`_next`: the journal's, which waits in C for something to write)."""

_NOBODY = "nothing of ours: the machine was busy with other programs, or native code kept the interpreter"


@dataclass(frozen=True, slots=True)
class Stall:
    """The event loop did not come round."""

    at: int
    """When it was noticed, unix ns."""
    seconds: float
    """From its last sign of life to the next."""
    stack: str
    """The calls that the loop was in, a line each, the innermost last."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the process costs, over the time since the reading before."""

    cpu: float = 0.0
    """Of one core; 0.5 is half of one."""
    rss: int = 0
    """Bytes of memory in use."""
    threads: dict[str, float] = field(default_factory=dict)
    """CPU by thread name, those of one name together."""
    machine_memory: float = 0.0
    """The part of the machine's memory that is in use, by whomever."""
    gpus: tuple[Gpu, ...] = ()


class Watcher:
    """Start it on the event loop with `start`; `stop` ends it. Its findings may be read from anywhere."""

    def __init__(self, stall_s: float, sample_s: float) -> None:
        self.stalls: deque[Stall] = deque(maxlen=50)
        self.stall_count = 0
        self.stalled_s = 0.0
        self.collected_s = 0.0
        """Spent in collections of garbage that took long enough to be noticed."""
        self.reading = Reading()
        self._stall_s = stall_s
        self._sample_s = sample_s
        self._beat = time.monotonic()
        self._ending = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop_thread = 0
        self._spent: dict[int, float] = {}
        self._caught = (0.0, 0, "")
        """The last beat after which the thread saw none for long, when that was (unix ns), and the stack."""
        self._collecting_since = 0.0
        self._collection = (0.0, 0.0)
        """When the last long collection of garbage began, and how long it took."""

    def start(self) -> None:
        """Begin to watch the running event loop; call it on that loop."""
        self._loop_thread = threading.get_ident()
        gc.callbacks.append(self._on_collection)
        self._ending = ending = threading.Event()
        self._beat = time.monotonic()
        self._live(asyncio.get_running_loop())
        threading.Thread(target=self._watch, args=(ending,), name="sotto-watcher", daemon=True).start()

    def stop(self) -> None:
        """Watch no more; never waits."""
        self._ending.set()
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(ValueError):  # it never began
            gc.callbacks.remove(self._on_collection)

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        before, self._beat = self._beat, time.monotonic()
        if (seconds := self._beat - before) > self._stall_s:
            self._stalled(before, seconds)
        self._timer = loop.call_later(_BEAT_S, self._live, loop)

    def _stalled(self, since: float, seconds: float) -> None:
        """Keep a stall, with what the thread saw meanwhile, if it got to see anything."""
        beat, at, stack = self._caught
        if beat != since:
            at, stack = time.time_ns(), _NOBODY
        began, took = self._collection
        if began + took > since and took > (seconds - _BEAT_S) / 2:
            stack = f"garbage was collected for {took * 1e3:.0f} ms"
        self.stall_count += 1
        self.stalled_s += seconds
        self.stalls.append(Stall(at, seconds, stack))

    def _on_collection(self, phase: str, info: Mapping[str, int]) -> None:
        """Keep when garbage was collected last, on whatever thread: nothing else runs meanwhile."""
        if phase == "start":
            self._collecting_since = time.monotonic()
        elif (took := time.monotonic() - self._collecting_since) > _COLLECTION_S:
            self._collection = self._collecting_since, took
            self.collected_s += took

    # ---- on the thread

    def _watch(self, ending: threading.Event) -> None:
        import psutil

        process, gpus = psutil.Process(), Gpus()
        due = time.monotonic()
        while not ending.wait(_BEAT_S):
            beat = self._beat
            if time.monotonic() - beat > self._stall_s:
                self._catch(beat, ending)
            elif time.monotonic() >= due:
                self._read(process, gpus, self._sample_s + time.monotonic() - due)
                due = time.monotonic() + self._sample_s

    def _catch(self, beat: float, ending: threading.Event) -> None:
        """Keep the stack that the loop is in, and wait for its end."""
        self._caught = beat, time.time_ns(), self._stacks()
        while self._beat == beat and not ending.wait(_BEAT_S / 5):
            pass

    def _stacks(self) -> str:
        """Where the loop is; if it only waits, some other thread keeps the interpreter, so where those are."""
        frames = sys._current_frames()  # noqa: SLF001 (the documented way to see other threads)
        loop = frames.pop(self._loop_thread, None)
        if loop is None or loop.f_code.co_name not in _IDLE:
            return _told(loop)
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        del frames[threading.get_ident()]
        busy = {names.get(id, "native"): frame for id, frame in frames.items() if frame.f_code.co_name not in _IDLE}
        return "\n\n".join(f"thread {name}:\n{_told(frame)}" for name, frame in busy.items()) or _NOBODY

    def _read(self, process: psutil.Process, gpus: Gpus, seconds: float) -> None:
        import psutil

        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        first = not self._spent
        spent = {one.id: one.user_time + one.system_time for one in process.threads()}
        shares: dict[str, float] = {}
        for id, total in spent.items():
            name = names.get(id, "native")
            share = (total - self._spent.get(id, 0.0)) / seconds if not first else 0.0
            shares[name] = shares.get(name, 0.0) + share
        self._spent = spent
        memory = psutil.virtual_memory().percent / 100
        rss = process.memory_info().rss
        self.reading = Reading(sum(shares.values()), rss, shares, memory, gpus.read())


def _told(frame: FrameType | None) -> str:
    """The calls of a stack by names and line numbers alone: nothing is read from disk."""
    calls = [f"{_place(one)}:{one.f_lineno} in {one.f_code.co_name}" for one in _frames(frame)]
    return "\n".join(reversed(calls[:_CALLS]))


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _place(frame: FrameType) -> str:
    return "/".join(Path(frame.f_code.co_filename).parts[-3:])
