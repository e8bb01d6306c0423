"""Who is computed next: the engine's thread serves its generations a step at a time, the urgent ones first.

A step is one `llama_decode`. Fast generations share a step (one token of each that speaks, and as much of the
prompts as the chunk has room for). Strict ones read their prompts alone, and speak together where that was seen to
change no bit.

While an interactive generation is there the others stand still, and their places keep what they hold; when places
are short one is saved and given away. Background work stands still also while somebody speaks. What is evaluated
ahead of a question that is being spoken goes in small steps on a quiet thread, and ends when the question comes.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count

from services.llm.cores import Cores
from services.llm.engines.abort import AbortFlag
from services.llm.engines.company import Company
from services.llm.engines.job import Job, Urgency
from services.llm.engines.pool import Aborted, Extension, Pool, common
from services.llm.engines.seating import Seating
from services.llm.port import Finish, GenerationFailed
from shared.clock import Clock

__all__ = ["Scheduler"]

_AHEAD = 16
"""Tokens that are evaluated ahead in one step: whoever needs the processor or the context waits for no more than it
takes to notice, which is once in each of a step's operations."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Whose step is being computed, and what ends it early."""

    jobs: tuple[Job, ...] = ()
    flag: AbortFlag = field(default_factory=AbortFlag)


class Scheduler:
    """Owns the pool while `serve` runs on the engine's thread; the other methods may be called from any."""

    def __init__(self, pool: Pool, seating: Seating, clock: Clock, cores: Cores) -> None:
        self._pool = pool
        self._seating = seating
        self._company = Company(pool)
        self._clock = clock
        self._cores = cores
        self._unwatch = cores.watch(self.wake)
        self._heard: queue.SimpleQueue[Job | Future[int] | None] = queue.SimpleQueue()
        self._closing = False
        self._over = False
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._counter = count(1)
        self._fast_served = 0
        self._standing = True
        self._hurry = False
        self._now = _Step()

    def submit(self, job: Job) -> None:
        """Have the job computed."""
        self._heard.put(job)
        if job.rules.interactive:
            self._hurry = True
            self._look()
        if self._over:
            self._turn_away()

    def wake(self) -> None:
        """Have it looked at who may go on, though the thread may be waiting for work or in the middle of a step."""
        self._heard.put(None)
        self._look()

    def forget(self) -> Future[int]:
        """Have all that was evaluated dropped; the number of states, once it is done."""
        forgotten: Future[int] = Future()
        self._heard.put(forgotten)
        if self._over:
            self._turn_away()
        return forgotten

    def close(self) -> None:
        """Let `serve` end: what runs is cancelled."""
        self._closing = True
        self._unwatch()
        self.wake()

    def _look(self) -> None:
        """End the step under way early when nobody in it may go on; what it had computed is computed again."""
        step = self._now
        if step.jobs and all(job.flag.raised or self._must_wait(job) for job in step.jobs):
            step.flag.raise_()

    def _must_wait(self, job: Job) -> bool:
        background = job.rules.urgency == Urgency.BACKGROUND
        return (self._hurry and not job.rules.interactive) or (background and self._cores.taken)

    # ---- on the engine's thread

    def serve(self) -> None:
        """Compute until closed."""
        try:
            while self._hear():
                self._dismiss()
                self._seat()
                group = self._group()
                self._standing = not group and (self._cores.taken or not self._waiting)
                if group:
                    self._step(group)
        finally:
            self._over = True
            for job in (*self._waiting, *self._running):
                self._end(job, "cancelled" if self._closing else None)
            self._turn_away()
            self._seating.close()

    def _hear(self) -> bool:
        """Take in what came; waits when there is nothing to do."""
        if self._standing:
            self._admit(self._awaited())
        self._hurry = False
        while not self._heard.empty():
            self._admit(self._heard.get())
        return not self._closing

    def _awaited(self) -> Job | Future[int] | None:
        """What comes next, None when the first deadline of those that stand still comes before."""
        deadlines = [job.rules.deadline for job in (*self._waiting, *self._running) if job.rules.deadline]
        try:
            if not deadlines:
                return self._heard.get()
            return self._heard.get(timeout=max(0.0, (min(deadlines) - self._clock.monotonic_ns()) / 1e9))
        except queue.Empty:
            return None

    def _admit(self, job: Job | Future[int] | None) -> None:
        if job is None:
            return
        if isinstance(job, Future):
            job.set_result(self._seating.forget((*self._waiting, *self._running)))
            return
        job.ticket = next(self._counter)
        self._waiting.append(job)
        for other in [*self._waiting, *self._running] if job.rules.interactive else ():
            if other.rules.urgency == Urgency.AHEAD:
                self._end(other, "cancelled")  # what it has evaluated stays in its place

    def _turn_away(self) -> None:
        while not self._heard.empty():
            job = self._heard.get()
            if isinstance(job, Future):
                job.set_result(0)
            elif job is not None:
                self._end(job, "cancelled" if self._closing else None)

    def _dismiss(self) -> None:
        now = self._clock.monotonic_ns()
        for job in (*self._waiting, *self._running):
            finish = job.over(now)
            if finish is not None:
                self._end(job, finish)

    def _end(self, job: Job, finish: Finish | None, error: BaseException | None = None) -> None:
        """Let the job go; without a finish it has failed."""
        for jobs in (self._waiting, self._running):
            if job in jobs:
                jobs.remove(job)
        self._seating.leave(job, next(self._counter))
        job.close()
        if finish is not None:
            job.end(finish)
        else:
            job.fail(error or GenerationFailed("The language model's engine has stopped.", remedy="Ask again."))

    # ---- places

    def _seat(self) -> None:
        """Give places to those that wait, in order of urgency and age."""
        for job in sorted(self._waiting, key=lambda job: (job.rules.urgency, job.ticket)):
            if self._soon_known(job):
                continue
            if self._seating.full and not self._make_room(job):
                return
            self._settle_in(job)

    def _soon_known(self, job: Job) -> bool:
        """Whether one that runs is just evaluating what the job's prompt begins with: waiting for it is quicker."""
        if job.saved is not None:
            return False
        prompt, chunk = job.prompt, self._pool.chunk
        for other in self._running:
            moves = other.rules.urgency <= job.rules.urgency
            if other.place is None or other.decoding() or not moves or (job.rules.strict and not other.rules.strict):
                continue
            shared = min(common(prompt, other.prompt), len(prompt) - 1) // chunk * chunk
            if len(other.place.tokens) < shared:
                return True
        return False

    def _make_room(self, job: Job) -> bool:
        """Save the youngest background job for a more urgent one; it goes on later from the very same state."""
        others = [j for j in self._running if j.rules.urgency == Urgency.BACKGROUND]
        if job.rules.urgency == Urgency.BACKGROUND or not others:
            return False
        victim = max(others, key=lambda j: j.ticket)
        self._seating.put_aside(victim, next(self._counter))
        self._running.remove(victim)
        self._waiting.append(victim)
        return True

    def _settle_in(self, job: Job) -> None:
        if not self._seating.seat(job, self._running):
            self._end(job, None, GenerationFailed("The answer could not be gone on with.", remedy="Ask again."))
            return
        self._waiting.remove(job)
        self._running.append(job)

    # ---- steps

    def _group(self) -> list[Job]:
        """Who shares the next step: of those that may run, the fast ones or strict ones, whoever waited longest."""
        first = min((job.rules.urgency for job in self._running), default=Urgency.INTERACTIVE)
        if first == Urgency.BACKGROUND and self._cores.taken:
            return []
        urgent = [job for job in self._running if job.rules.urgency == first]
        fast = [job for job in urgent if not job.rules.strict]
        strict = [job for job in urgent if job.rules.strict]
        longest = min(strict, key=lambda job: job.served, default=None)
        if longest is None or (fast and self._fast_served < longest.served):
            return fast
        return self._company.of(longest, strict)

    def _step(self, group: list[Job]) -> None:
        now = next(self._counter)
        strict = group[0].rules.strict
        if not strict:
            self._fast_served = now
        shares = self._shares(group)
        taking, extensions = [job for job, _ in shares], [extension for _, extension in shares]
        ahead = group[0].rules.urgency == Urgency.AHEAD
        try:
            flag = self._watched(tuple(taking))
            if strict and not self._company.agrees(extensions, flag):
                return  # the next step is one of them alone
            rows = self._pool.step(extensions, flag, quietly=ahead and not strict)
        except Aborted:
            return
        except GenerationFailed as error:
            for job in taking:
                self._end(job, None, error)
            return
        for job, extension, row in zip(taking, extensions, rows, strict=True):
            job.served = now
            extension.place.ahead += len(extension.tokens) if ahead else 0
            self._advance(job, extension, row)

    def _watched(self, jobs: tuple[Job, ...]) -> AbortFlag:
        """The flag that ends a step of these jobs."""
        if jobs != self._now.jobs or self._now.flag.raised:
            self._now = _Step(jobs)
        self._look()
        return self._now.flag

    def _shares(self, group: list[Job]) -> list[tuple[Job, Extension]]:
        """What each job adds: a token of those that speak, and of prompts what the chunk has room for. In order of
        places: llama.cpp computes in one go what adjoins in the order given (src/llama-batch.cpp, split_equal).
        """
        quiet = group[0].rules.urgency == Urgency.AHEAD and not group[0].rules.strict
        room = min(self._pool.chunk, _AHEAD) if quiet else self._pool.chunk
        shares: list[tuple[Job, Extension]] = []
        for job in sorted(group, key=lambda job: not job.decoding()):
            tokens = job.pending(1 if job.decoding() else room)
            if not tokens:
                continue
            room -= 0 if job.decoding() else len(tokens)
            assert job.place is not None
            whole = len(job.place.tokens) + len(tokens) == len(job.tokens)
            shares.append((job, Extension(job.place, tokens, whole and not job.silent)))
        return sorted(shares, key=lambda share: share[1].place.index)

    def _advance(self, job: Job, extension: Extension, row: int) -> None:
        if extension.speaks:
            try:
                finish = job.advance(self._pool.context, row)
            except GenerationFailed as error:
                self._end(job, None, error)
                return
            if finish is not None:
                self._end(job, finish)
        elif job.silent and job.decoding():
            self._seating.evaluated(job)
            self._end(job, "length")
