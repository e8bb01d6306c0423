"""Ids sort as they were made and differ between processes."""

from __future__ import annotations

from shared.ids import id_source, process_prefix


def test_ids_of_one_source_sort_as_they_were_made() -> None:
    new = id_source("p-")
    ids = [new() for _ in range(300)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 300
    assert ids[0] == "p-0000000001"


def test_prefixes_are_sixteen_hex_digits_and_differ() -> None:
    prefixes = {process_prefix() for _ in range(20)}
    assert len(prefixes) > 1
    assert all(len(prefix) == 16 and int(prefix, 16) for prefix in prefixes)
