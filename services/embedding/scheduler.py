"""The scheduler: what waits to be encoded, spread over threads as they come free.

No timer: a thread that is free takes its share of what waits at once, at most a budget of tokens. Urgent passages go
first, else they go in the order they came. What nobody waits for any more is not computed.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from services.embedding.port import FLOAT_BYTES, Encoder, Overloaded, Passage, Ranker

__all__ = ["Scheduler"]

_GUESS = 20_000.0
"""Tokens a second, until it was measured."""


@dataclass(slots=True, eq=False)
class _Job:
    """One caller's passages."""

    encoder: Encoder | Ranker
    missing: int
    out: bytearray
    done: asyncio.Future[None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Item:
    """A passage and its place in its job."""

    job: _Job
    place: int
    passage: Passage


class Scheduler:
    """See the module. `encode` belongs to the event loop; `close` ends its threads."""

    def __init__(self, *, threads: int, batch_tokens: int, waiting_tokens: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="embed")
        self._idle = threads
        self._batch_tokens = batch_tokens
        self._most_waiting = waiting_tokens
        self._queues: tuple[deque[_Item], deque[_Item]] = (deque(), deque())
        self._jobs: set[_Job] = set()
        self._rate = _GUESS
        self._due = False
        self.waiting = 0
        """Tokens that nobody computes yet."""

    async def encode(self, encoder: Encoder | Ranker, passages: Sequence[Passage], *, urgent: bool) -> bytes:
        """Return the rows of the passages, in their order. Raises Overloaded when too much waits already.

        A request alone is never too large. Cancelled, what of it is not being computed yet never will be.
        """
        if not passages:
            return b""
        cost = sum(len(passage.ids) for passage in passages)
        self._admit(cost)
        out = bytearray(len(passages) * encoder.info.dimensions * FLOAT_BYTES)
        job = _Job(encoder, len(passages), out, asyncio.get_running_loop().create_future())
        self._jobs.add(job)
        self._queues[not urgent].extend(_Item(job, place, passage) for place, passage in enumerate(passages))
        self.waiting += cost
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._begin)
        try:
            await job.done
        finally:
            self._jobs.discard(job)
            if job.missing:
                self._forget(job)
        return bytes(out)

    def close(self) -> None:
        """End the threads once what they compute is done; whoever waits is cancelled. Closing twice is harmless."""
        for queue in self._queues:
            queue.clear()
        for job in self._jobs:
            job.done.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _admit(self, cost: int) -> None:
        if self.waiting and self.waiting + cost > self._most_waiting:
            self._dispatch()  # what came in this turn of the loop has not begun yet
        if self.waiting and self.waiting + cost > self._most_waiting:
            wait = max(1, round(1000 * self.waiting / self._rate))
            raise Overloaded(f"{self.waiting} tokens already wait to be embedded.", retry_ms=wait)

    def _forget(self, job: _Job) -> None:
        """Take out what nobody waits for any more."""
        for queue in self._queues:
            kept = [item for item in queue if item.job is not job]
            if len(kept) < len(queue):
                queue.clear()
                queue.extend(kept)
        self.waiting = sum(len(item.passage.ids) for queue in self._queues for item in queue)

    def _begin(self) -> None:
        """Share out what came meanwhile: requests that the loop reads in one go are computed together."""
        self._due = False
        self._dispatch()

    def _dispatch(self) -> None:
        """Give every idle thread its share."""
        while self._idle and any(self._queues):
            batch = list(self._share())
            self._idle -= 1
            began = time.monotonic()
            passages = [item.passage for item in batch]
            running = asyncio.wrap_future(self._threads.submit(batch[0].job.encoder.encode, passages))
            running.add_done_callback(functools.partial(self._ended, batch, began))

    def _share(self) -> Iterator[_Item]:
        """What one thread takes now: its part of what waits, for one encoder, at least one passage."""
        share = min(self._batch_tokens, -(-self.waiting // self._idle))
        encoder, taken = None, 0
        for queue in self._queues:
            while queue and (encoder is None or (taken < share and queue[0].job.encoder is encoder)):
                item = queue.popleft()
                encoder = item.job.encoder
                taken += len(item.passage.ids)
                self.waiting -= len(item.passage.ids)
                yield item

    def _ended(self, batch: Sequence[_Item], began: float, running: asyncio.Future[bytes]) -> None:
        self._idle += 1
        if running.cancelled():
            return
        error = running.exception()
        if error is not None:
            self._fail(batch, error)
        else:
            self._deliver(batch, running.result())
            tokens = sum(len(item.passage.ids) for item in batch)
            self._rate += 0.2 * (tokens / max(1e-6, time.monotonic() - began) - self._rate)
        self._dispatch()

    @staticmethod
    def _fail(batch: Sequence[_Item], error: BaseException) -> None:
        for item in batch:
            if not item.job.done.done():
                item.job.done.set_exception(error)

    @staticmethod
    def _deliver(batch: Sequence[_Item], rows: bytes) -> None:
        size = len(rows) // len(batch)
        for at, item in enumerate(batch):
            job = item.job
            job.out[item.place * size : (item.place + 1) * size] = rows[at * size : (at + 1) * size]
            job.missing -= 1
            if not job.missing and not job.done.done():
                job.done.set_result(None)
