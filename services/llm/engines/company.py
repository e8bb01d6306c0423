"""Which strict answers may take a step together: those of whom it was seen that company changes no bit of a score.

llama.cpp chooses its kernels by the number of rows of a step, and some add up in another order for several rows. So
the first steps of each size are computed in company and apart, and compared; what differs once goes apart for good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from services.llm.engines.abort import AbortFlag
from services.llm.engines.job import Job
from services.llm.engines.pool import Extension, Place, Pool

__all__ = ["Company"]

_TRIALS = 3
"""Steps of a size that must agree before it is relied on. Kernels that differ show in thousands of scores at once."""

_SHORT = 256
"""Up to so many tokens a row alone is computed as a row in company is; beyond, several threads share the attention of
a row that is alone (llama.cpp: src/llama-kv-cache.cpp, get_n_kv; ggml-cpu/ops.cpp, use_split_kv_path)."""


class Company:
    """Of one pool, used by the engine's thread. Only rows of one token each are ever put together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._agreed: Counter[tuple[int, bool]] = Counter()
        self._apart: set[tuple[int, bool]] = set()

    def of(self, job: Job, others: Iterable[Job]) -> list[Job]:
        """The job and the others that it may take a step with: their places adjoin, or llama.cpp would part them."""
        if not (self._pool.even and job.decoding()):
            return [job]
        by_index = {_place(other).index: other for other in others if other.decoding() and _like(other, job)}
        first = last = _place(job).index
        while first - 1 in by_index:
            first -= 1
        while last + 1 in by_index:
            last += 1
        together = [by_index[index] for index in range(first, last + 1)]
        return [job] if _key([_place(one) for one in together]) in self._apart else together

    def agrees(self, extensions: Sequence[Extension], flag: AbortFlag) -> bool:
        """Whether these rows give the same bits together as apart; tried where it is not known. Raises Aborted."""
        key = _key([extension.place for extension in extensions])
        if len(extensions) == 1 or self._agreed[key] >= _TRIALS:
            return True
        together = self._scores(extensions, flag)
        if together != [score for extension in extensions for score in self._scores([extension], flag)]:
            self._apart.add(key)
            return False
        self._agreed[key] += 1
        return True

    def _scores(self, extensions: Sequence[Extension], flag: AbortFlag) -> list[bytes]:
        """The scores after the rows, which are taken back."""
        lengths = [len(extension.place.tokens) for extension in extensions]
        try:
            return [self._pool.scores(row) for row in self._pool.step(extensions, flag)]
        finally:
            for extension, length in zip(extensions, lengths, strict=True):
                self._pool.keep(extension.place, length)


def _place(job: Job) -> Place:
    assert job.place is not None
    return job.place


def _like(job: Job, other: Job) -> bool:
    return _long(_place(job)) == _long(_place(other))


def _long(place: Place) -> bool:
    return len(place.tokens) >= _SHORT


def _key(places: Sequence[Place]) -> tuple[int, bool]:
    return len(places), _long(places[0])
