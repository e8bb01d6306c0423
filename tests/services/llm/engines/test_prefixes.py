"""The memory of prefixes: found by what a prompt begins with, within its limit, the useful ones kept."""

from __future__ import annotations

from services.llm.engines.pool import Saved
from services.llm.engines.prefixes import Prefixes

CHUNK = 4


def saved(tokens: list[int], size: int = 10) -> Saved:
    return Saved(bytes(size), tokens, len(tokens) // CHUNK * CHUNK)


def test_the_longest_beginning_is_found() -> None:
    prefixes = Prefixes(1000)
    short, long = saved([1, 2, 3, 4, 9]), saved([1, 2, 3, 4, 5, 6, 7, 8, 0])
    prefixes.put(short, CHUNK)
    prefixes.put(long, CHUNK)
    assert prefixes.find([1, 2, 3, 4, 5, 6, 7, 8, 1], CHUNK) is long
    assert prefixes.find([1, 2, 3, 4, 4, 4, 4, 4], CHUNK) in (short, long)
    assert prefixes.find([1, 2, 3, 9, 5], CHUNK) is None
    assert prefixes.find([1, 2, 3], CHUNK) is None, "less than a chunk is not looked for"


def test_one_that_goes_on_from_another_takes_its_place() -> None:
    prefixes = Prefixes(1000)
    prefixes.put(saved([1, 2, 3, 4]), CHUNK)
    longer = saved([1, 2, 3, 4, 5])
    prefixes.put(longer, CHUNK)
    assert len(prefixes) == 1
    assert prefixes.find([1, 2, 3, 4, 7], CHUNK) is longer
    assert not prefixes.wants([1, 2, 3, 4], 10)
    assert prefixes.wants([1, 2, 3, 4, 5, 6], 10)
    assert not prefixes.wants([1, 2, 3, 4, 5, 6], 1001)


def test_what_is_found_often_stays_and_the_limit_holds() -> None:
    prefixes = Prefixes(30)
    states = [saved([i] * 5) for i in range(3)]
    for state in states:
        prefixes.put(state, CHUNK)
    for _ in range(4):
        prefixes.find([0] * 8, CHUNK)
    prefixes.put(saved([9] * 5), CHUNK)
    assert prefixes.bytes == 30
    assert prefixes.find([0] * 8, CHUNK) is states[0]
    assert sum(prefixes.find([i] * 8, CHUNK) is None for i in (1, 2)) == 1
    prefixes.put(saved([7] * 5, size=31), CHUNK)
    assert prefixes.find([7] * 8, CHUNK) is None, "larger than the whole memory"


def test_without_memory_nothing_is_wanted() -> None:
    assert not Prefixes(0).wants([1, 2, 3], 1)
