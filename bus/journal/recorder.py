"""The recorder: a thread that writes a journal, so that no disk ever holds the conversation up.

When something goes wrong there (a full disk, one that is far too slow), the recording ends, the reason is told once,
and everything else goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

from bus.journal.lines import Entry, Step
from bus.journal.writing import Journal
from shared.events import AudioCaptured, CodecError, Event, current
from shared.logs import get_logger

__all__ = ["Recorder"]

T = TypeVar("T")

_CAPACITY = 50_000
"""Entries that may wait for the disk, some minutes of a lively conversation; a run of frames counts as one."""
_RUN = 50
"""Frames and steps, half a second, that are handed on together: each alone would wake the thread."""

_log = get_logger("journal")


@dataclass(frozen=True, slots=True)
class _Work:
    """Something to be done with the journal in its thread."""

    work: Callable[[Journal], int]
    done: asyncio.Future[int]


class Recorder:
    """Made on the event loop; `open` and `grown` are called in its thread, `failed` on the loop with the reason.

    `grown` is called with the journal when it has grown by `grown_bytes`, and once at its start. Entries are taken from
    the start on, those of before the journal is open wait.
    """

    def __init__(
        self,
        open: Callable[[], Journal],
        *,
        failed: Callable[[str], None],
        grown: Callable[[Journal], None] = lambda _: None,
        grown_bytes: int = 8 << 20,
        capacity: int = _CAPACITY,
    ) -> None:
        self._open = open
        self._failed = failed
        self._grown = grown
        self._grown_bytes = grown_bytes
        self._capacity = capacity
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        """Done when the journal is there, or is known not to be."""
        self._frames: list[Entry] = []
        """Microphone frames that were not handed on yet, with dialogue's steps on them."""
        self._entries: SimpleQueue[list[Entry] | _Work | None] = SimpleQueue()
        """None is the end."""
        self._over = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(target=self._run, name="journal", daemon=True).start()

    def event(self, event: Event) -> None:
        """Record an event; never waits."""
        if isinstance(event, AudioCaptured):
            self._hold(event)
        else:
            self._put(event)

    def step(self, session: str, input: str, woke: bool, now: int) -> None:
        """Record that dialogue took an input (see `Step`), with what is being handled as the cause."""
        cause = current.get()
        step = Step(session, input, woke, now, cause.id if cause is not None else None)
        if isinstance(cause, AudioCaptured):
            self._hold(step)
        else:
            self._put(step)

    async def do(self, work: Callable[[Journal], int]) -> int | None:
        """Have the thread do something with the journal after all that came before; None when nothing is recorded.

        Raises OSError.
        """
        if self._over:
            return None
        done: asyncio.Future[int] = self._loop.create_future()
        self._hand_on()
        self._entries.put(_Work(work, done))
        return await done

    async def close(self) -> None:
        """Write what waits, and end the recording."""
        self._hand_on()
        self._entries.put(None)
        await asyncio.shield(self._ended)

    def _hold(self, entry: Entry) -> None:
        self._frames.append(entry)
        if len(self._frames) >= _RUN:
            self._hand_on()

    def _put(self, entry: Entry) -> None:
        self._frames.append(entry)
        self._hand_on()

    def _hand_on(self) -> None:
        entries, self._frames = self._frames, []
        if self._over or not entries:
            return
        if self._entries.qsize() >= self._capacity:
            self._end(f"the disk is too slow: {self._capacity} events waited for it")
        else:
            self._entries.put(entries)

    # ---- in the thread

    def _run(self) -> None:
        try:
            self._record()
        finally:
            self._loop_soon(_set, self._ended, None)

    def _record(self) -> None:
        try:
            journal = self._open()
        except OSError as error:
            self._tell(error)
            return
        finally:
            self._loop_soon(self._has_opened)
        try:
            self._grown(journal)
            self._write(journal)
            journal.close()
        except OSError as error:
            journal.abandon()
            self._tell(error)

    def _write(self, journal: Journal) -> None:
        noticed, going = 0, True
        while going:
            entries, going = self._next()
            for entry in entries:
                self._take(journal, entry)
            journal.flush()
            if journal.written - noticed >= self._grown_bytes:
                noticed = journal.written
                self._grown(journal)

    def _take(self, journal: Journal, entry: Entry | _Work) -> None:
        if isinstance(entry, _Work):
            try:
                self._loop_soon(_set, entry.done, entry.work(journal))
            except OSError as error:
                self._loop_soon(_fail, entry.done, error)
            return
        try:
            journal.write(entry)
        except CodecError as error:
            _log.warning("an event cannot be recorded", reason=str(error))

    def _next(self) -> tuple[list[Entry | _Work], bool]:
        """Wait for entries; returns what is there, and False when nothing follows."""
        entries: list[Entry | _Work] = []
        some = self._entries.get()
        with contextlib.suppress(Empty):
            while some is not None and not self._over:
                entries.extend(some if isinstance(some, list) else [some])
                some = self._entries.get_nowait()
            return entries, False
        return entries, True

    def _tell(self, error: OSError) -> None:
        self._loop_soon(self._end, error.strerror or str(error))

    def _loop_soon(self, call: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:  # the loop has ended: nobody is there to be told
            _log.warning("the recording ended", reason=args)

    # ---- on the loop

    def _has_opened(self) -> None:
        _set(self.opened, None)

    def _end(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self._entries.put(None)
        self._failed(reason)


def _set(done: asyncio.Future[T], result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[int], error: OSError) -> None:
    if not done.done():
        done.set_exception(error)
