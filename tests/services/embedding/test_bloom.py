"""A filter of keys: those that were added are never denied, few others are taken for one."""

from __future__ import annotations

import hashlib

from services.embedding.bloom import BloomFilter


def key(number: int) -> bytes:
    return hashlib.blake2b(b"%d" % number, digest_size=16).digest()


def test_what_was_added_is_never_denied_and_few_others_are_taken_for_it() -> None:
    known = BloomFilter(32 * 5_000)
    assert key(0) not in known
    for number in range(5_000):
        known.add(key(number))
    assert all(key(number) in known for number in range(5_000))
    assert sum(key(number) in known for number in range(5_000, 25_000)) < 40


def test_one_without_room_takes_all_for_known() -> None:
    known = BloomFilter(0)
    for number in range(100):
        known.add(key(number))
    assert all(key(number) in known for number in range(200))
