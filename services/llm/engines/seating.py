"""Seating: which place a generation gets, with as much of its prompt as is known there or anywhere else.

What is about to be overwritten is saved, in memory first and, unless somebody said it in a conversation, on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.llm.engines.job import Job, Urgency
from services.llm.engines.pool import Place, Pool, Saved, common
from services.llm.engines.prefixes import Prefixes
from services.llm.engines.states import States

__all__ = ["Seating"]


class Seating:
    """Of one pool, with the memory of prefixes and the states on disk behind it; used by the engine's thread."""

    def __init__(self, pool: Pool, states: States, memory: int) -> None:
        self._pool = pool
        self._states = states
        self._prefixes = Prefixes(memory, spill=self._write_down)

    @property
    def full(self) -> bool:
        """Whether no place is free."""
        return all(place.taken for place in self._pool.places)

    def seat(self, job: Job, running: Sequence[Job]) -> bool:
        """Put the job into a free place; False when the state that it was to go on from does not fit any more."""
        free = [place for place in self._pool.places if not place.taken]
        oldest = min(free, key=lambda place: (bool(place.tokens), place.used))
        if job.saved is None:
            place = self._filled(job, running, free, oldest)
        else:
            place = oldest
            self._remember(place, 0)
            if not self._pool.restore(place, job.saved):
                return False
            job.saved = None
        place.private = job.rules.private or (place.private and bool(place.tokens))
        place.taken, job.place = True, place
        job.begin(len(place.tokens), place.ahead)
        if job.rules.urgency != Urgency.AHEAD:
            place.ahead = 0
        return True

    def leave(self, job: Job, now: int) -> None:
        """Free the job's place, if it has one; what it holds stays there."""
        place = job.place
        if place is None:
            return
        if job.forgotten:
            self._pool.keep(place, 0)
        place.taken, place.used = False, now
        job.place = None

    def put_aside(self, job: Job, now: int) -> None:
        """Save the job's state and free its place; it goes on later from the very same."""
        assert job.place is not None
        job.saved = self._pool.save(job.place)
        self.leave(job, now)

    def evaluated(self, job: Job) -> None:
        """A prompt was read for later: it outlives the process."""
        if job.place is not None and self._whole(job.place):
            self._write_down(self._pool.save(job.place))

    def forget(self, jobs: Iterable[Job]) -> int:
        """Drop all that was evaluated, of those that are being answered when they end; returns how many states."""
        for job in jobs:
            job.forgotten = True
        held = [place for place in self._pool.places if place.tokens]
        for place in held:
            if not place.taken:
                self._pool.keep(place, 0)
        return len(held) + self._prefixes.clear() + self._states.forget()

    def close(self) -> None:
        """Write down what another process may begin with."""
        for saved in self._prefixes.all():
            self._write_down(saved)
        for place in self._pool.places:
            if self._whole(place):
                self._write_down(self._pool.save(place))
        self._states.close()

    def known(self, job: Job, prompt: list[int], held: Place | Saved) -> int:
        """How many of the prompt's tokens need no evaluation; its last one always does, to be drawn after."""
        shared = min(common(prompt, held.tokens), len(prompt) - 1)
        if not job.rules.strict:
            return shared
        return min(shared, held.exact) // self._pool.chunk * self._pool.chunk

    def _filled(self, job: Job, running: Sequence[Job], free: Iterable[Place], oldest: Place) -> Place:
        prompt = job.prompt
        best = max(free, key=lambda place: self.known(job, prompt, place))
        length = self.known(job, prompt, best)
        donor, known = self._donor(job, prompt, running, length + self._pool.chunk)
        if known >= length + self._pool.chunk and donor is not None:
            state = donor if isinstance(donor, Saved) else self._pool.save(donor)
            self._remember(oldest, 0)
            self._pool.restore(oldest, state)
            best, length = oldest, self.known(job, prompt, oldest)
        elif not length:
            best = oldest
        self._remember(best, length)
        self._pool.keep(best, length)
        return best

    def _donor(
        self, job: Job, prompt: list[int], running: Sequence[Job], at_least: int
    ) -> tuple[Place | Saved | None, int]:
        """Who else holds the beginning of the prompt: a place in use, the memory of prefixes, or the disk."""
        others: list[Place | Saved] = [other.place for other in running if other.place is not None]
        saved = self._prefixes.find(prompt, self._pool.chunk)
        if saved is not None:
            others.append(saved)
        known = max((self.known(job, prompt, other) for other in others), default=0)
        kept = self._states.find(prompt, max(at_least, known + self._pool.chunk))
        if kept is not None:
            others.append(kept)
        best = max(others, key=lambda other: self.known(job, prompt, other), default=None)
        return best, self.known(job, prompt, best) if best is not None else 0

    def _remember(self, place: Place, length: int) -> None:
        """Save what is about to be forgotten after `length` tokens, when it is worth it."""
        if len(place.tokens) - length < self._pool.chunk:
            return
        if self._prefixes.wants(place.tokens, self._pool.size(place)):
            self._prefixes.put(self._pool.save(place), self._pool.chunk)

    def _whole(self, place: Place) -> bool:
        return not place.private and len(place.tokens) >= self._pool.chunk and self._states.wants(place.tokens)

    def _write_down(self, saved: Saved) -> None:
        if not saved.private:
            self._states.put(saved)
