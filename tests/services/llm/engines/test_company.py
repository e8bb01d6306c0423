"""Strict answers take a step together only when it was seen that their scores are the same bits apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from services.llm.engines.abort import AbortFlag
from services.llm.engines.company import Company
from services.llm.engines.job import Job
from services.llm.engines.pool import Aborted, Extension, Place, Pool


@dataclass
class Rows:
    """A pool whose scores are told by `score` from a place and the size of its step; it notes the sizes."""

    score: Callable[[Place, int], bytes] = lambda place, _: bytes([place.index])
    even: bool = True
    sizes: list[int] = field(default_factory=list)
    now: list[bytes] = field(default_factory=list)

    def step(self, extensions: Sequence[Extension], flag: AbortFlag) -> list[int]:
        self.sizes.append(len(extensions))
        for extension in extensions:
            extension.place.tokens += extension.tokens
        if flag.raised:
            raise Aborted
        self.now = [self.score(extension.place, len(extensions)) for extension in extensions]
        return [*range(len(extensions))]

    def scores(self, row: int) -> bytes:
        return self.now[row]

    def keep(self, place: Place, length: int) -> None:
        del place.tokens[length:]


@dataclass
class Answer:
    """A job that speaks, or one whose prompt is being read."""

    place: Place
    speaks: bool = True

    def decoding(self) -> bool:
        return self.speaks


def company(rows: Rows) -> Company:
    return Company(cast("Pool", rows))


def answers(*indices: int, tokens: int = 5) -> list[Job]:
    return [cast("Job", Answer(Place(index, [1] * tokens))) for index in indices]


def rows_of(jobs: Sequence[Job]) -> list[Extension]:
    return [Extension(job.place, [7], speaks=True) for job in jobs if job.place is not None]


def test_those_that_agree_are_relied_on_after_three_steps() -> None:
    rows = Rows()
    here, jobs = company(rows), answers(0, 1, 2)
    assert all(here.agrees(rows_of(jobs), AbortFlag()) for _ in range(5))
    assert rows.sizes == [3, 1, 1, 1] * 3
    assert here.of(jobs[1], jobs) == jobs
    assert all(job.place and job.place.tokens == [1] * 5 for job in jobs), "what was tried was taken back"


def test_those_that_differ_once_go_apart_for_good_and_others_are_tried_for_themselves() -> None:
    rows = Rows(score=lambda place, together: bytes([place.index == 2 and together == 3]))
    here, jobs = company(rows), answers(0, 1, 2)
    assert not here.agrees(rows_of(jobs), AbortFlag())
    assert here.of(jobs[2], jobs) == [jobs[2]]
    assert here.of(jobs[0], jobs[:2]) == jobs[:2]
    assert here.agrees(rows_of(jobs[:2]), AbortFlag())


def test_only_neighbours_of_about_the_same_length_that_speak_go_together() -> None:
    here = company(Rows())
    jobs = answers(5, 0, 3, 2)
    assert here.of(jobs[3], jobs) == [jobs[3], jobs[2]], "in order of their places"
    assert here.of(jobs[0], jobs) == [jobs[0]]
    long = answers(1, 4, tokens=256)
    assert here.of(jobs[3], [*jobs, *long]) == [jobs[3], jobs[2]]
    reading = cast("Job", Answer(Place(4), speaks=False))
    assert here.of(reading, [*jobs, reading]) == [reading]
    assert here.of(jobs[2], [*jobs, reading]) == [jobs[3], jobs[2]]


def test_a_model_whose_tokens_go_different_ways_is_never_asked() -> None:
    jobs = answers(0, 1)
    assert company(Rows(even=False)).of(jobs[0], jobs) == jobs[:1]


def test_a_trial_that_is_stopped_leaves_nothing_behind() -> None:
    rows, flag = Rows(), AbortFlag()
    flag.raise_()
    jobs = answers(0, 1)
    with pytest.raises(Aborted):
        company(rows).agrees(rows_of(jobs), flag)
    assert [job.place.tokens for job in jobs if job.place] == [[1] * 5] * 2
