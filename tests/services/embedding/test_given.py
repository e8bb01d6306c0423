"""Answers are given again to those who ask again and again, and to nobody after the era in which they held."""

from __future__ import annotations

from typing import cast

from services.embedding.desk import Counter
from services.embedding.web.given import Given


class Era:
    """A counter of which only the era is looked at."""

    def __init__(self) -> None:
        self.now: object = 1

    def era(self) -> object:
        return self.now


def asked(given: Given, raw: bytes, answer: bytes) -> bytes | None:
    """Ask once; returns the answer if it was at hand."""
    key, known = given.get("/embed", raw)
    if known is None:
        given.put(key, answer)
    return known


def test_an_answer_is_kept_when_it_was_asked_for_twice() -> None:
    given = Given(cast("Counter", Era()), 10_000)
    assert [asked(given, b"cat", b"1") for _ in range(4)] == [None, None, b"1", b"1"]
    assert given.get("/rerank", b"cat")[1] is None


def test_the_oldest_go_when_there_is_no_room() -> None:
    given = Given(cast("Counter", Era()), 1_000)
    for raw in (b"cat", b"dog", b"owl"):
        for _ in range(2):
            asked(given, raw, bytes(300))
    assert [given.get("/embed", raw)[1] is None for raw in (b"cat", b"dog", b"owl")] == [True, False, False]


def test_what_is_asked_for_once_leaves_what_is_kept_alone() -> None:
    given = Given(cast("Counter", Era()), 10_000)
    for _ in range(2):
        asked(given, b"cat", b"1")
    for number in range(10_000):
        asked(given, b"%d" % number, bytes(3_000))
    assert asked(given, b"cat", b"") == b"1"
    assert asked(given, b"1", b"2") is None


def test_after_its_era_no_answer_is_given_or_kept() -> None:
    counter = Era()
    given = Given(cast("Counter", counter), 10_000)
    for _ in range(2):
        asked(given, b"cat", b"1")
    key, _ = given.get("/embed", b"dog")
    counter.now = 2
    given.put(key, b"2")
    assert given.get("/embed", b"cat")[1] is None
    assert [asked(given, b"dog", b"3") for _ in range(2)] == [None, None]
    counter.now = None
    assert [asked(given, b"dog", b"3") for _ in range(3)] == [None, None, None]
