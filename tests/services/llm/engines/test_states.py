"""States on disk: found by what a prompt begins with, whole or not there, within the limit, and gone when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.llm.engines.pool import Saved
from services.llm.engines.states import States, forget_states

CHUNK = 4
DAY = 86_400 * 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000 * 10**9

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(folder: Path, clock: Clock, limit: int = 10_000, identity: str = "model") -> States:
    return States(folder, identity, limit, CHUNK, clock)


def saved(tokens: list[int], state: bytes = b"state") -> Saved:
    return Saved(state, tokens, len(tokens) // CHUNK * CHUNK)


def kept(folder: Path, clock: Clock, *states: Saved, **options: int | str) -> None:
    """A process that writes these down and ends."""
    for state in states:
        here = opened(folder, clock, **options)  # type: ignore[arg-type]
        here.put(state)
        here.close()


def test_the_next_process_finds_what_shares_the_most_chunks(tmp_path: Path, clock: Clock) -> None:
    kept(tmp_path, clock, saved([1, 2, 3, 4, 5, 6, 7, 8, 9], b"long"), saved([1, 2, 3, 4, 9, 9], b"short"))
    states = opened(tmp_path, clock)
    assert states.find([1, 2, 3, 4, 5, 6, 7, 8, 1, 1], 4) == saved([1, 2, 3, 4, 5, 6, 7, 8, 9], b"long")
    assert states.find([1, 2, 3, 4, 5, 6, 7, 8, 1, 1], 12) is None, "less than is wanted"
    assert states.find([1, 2, 3, 5], 4) is None
    states.close()
    other = opened(tmp_path, clock, identity="another model")
    assert other.find([1, 2, 3, 4, 5, 6, 7, 8], 4) is None
    other.close()


def test_what_is_shorter_than_a_chunk_or_larger_than_the_limit_is_not_kept(tmp_path: Path, clock: Clock) -> None:
    kept(tmp_path, clock, saved([1, 2, 3]), saved([1, 2, 3, 4], bytes(20_000)))
    assert list(tmp_path.rglob("*.*")) == []


def test_what_is_used_seldom_and_long_ago_goes_first(tmp_path: Path, clock: Clock) -> None:
    """Two uses of yesterday are worth as much as one of today."""
    often, seldom, new = saved([1] * 4, bytes(400)), saved([2] * 4, bytes(400)), saved([3] * 4, bytes(400))
    kept(tmp_path, clock, often, seldom)
    states = opened(tmp_path, clock, limit=1000)
    for _ in range(3):
        assert states.find([1] * 4, 4) == often
    clock.now += DAY
    assert states.find([2] * 4, 4) == seldom
    states.close()
    kept(tmp_path, clock, new, limit=1000)
    states = opened(tmp_path, clock)
    assert states.find([2] * 4, 4) is None
    assert states.find([1] * 4, 4) == often
    assert states.find([3] * 4, 4) == new
    states.close()


@pytest.mark.parametrize("damage", ["flipped", "cut", "foreign", "another version", "gone"])
def test_a_damaged_file_is_deleted_and_nothing_is_found(tmp_path: Path, clock: Clock, damage: str) -> None:
    kept(tmp_path, clock, saved([1, 2, 3, 4], b"state"))
    [path] = tmp_path.rglob("*.state")
    states = opened(tmp_path, clock)
    data = path.read_bytes()
    match damage:
        case "flipped":
            path.write_bytes(data[:-1] + b"E")
        case "cut":
            path.write_bytes(data[:-1])
        case "foreign":
            path.write_bytes(b"hello")
        case "another version":
            path.write_bytes(data.replace(b"SOTTOKV1", b"SOTTOKV2"))
        case _:
            path.unlink()
    assert states.find([1, 2, 3, 4], 4) is None
    states.close()
    assert not path.exists()
    again = opened(tmp_path, clock)
    assert again.find([1, 2, 3, 4], 4) is None
    again.close()


def test_a_disk_that_cannot_be_written_costs_only_the_repetition(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "model").write_text("in the way")
    states = opened(tmp_path, clock)
    states.put(saved([1, 2, 3, 4]))
    states.close()
    assert states.wants([1, 2, 3, 4])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_disk_that_fills_up_while_a_state_is_written_leaves_no_part_of_it(tmp_path: Path, clock: Clock) -> None:
    kept(tmp_path, clock, saved([1, 2, 3, 4]))
    [path] = tmp_path.rglob("*.state")
    path.unlink()
    path.with_suffix(".part").symlink_to("/dev/full")
    states = opened(tmp_path, clock)
    states.put(saved([1, 2, 3, 4]))
    states.close()
    assert list(path.parent.iterdir()) == []
    kept(tmp_path, clock, saved([1, 2, 3, 4]))
    assert path.exists(), "once there is room again"


def test_only_the_owner_may_read_them(tmp_path: Path, clock: Clock) -> None:
    kept(tmp_path / "states", clock, saved([1, 2, 3, 4]))
    [path] = tmp_path.rglob("*.state")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o077) == (0o600, 0)


def test_forgetting_leaves_no_file_of_any_model(tmp_path: Path, clock: Clock) -> None:
    kept(tmp_path, clock, saved([1, 2, 3, 4]), saved([5, 6, 7, 8]))
    kept(tmp_path, clock, saved([1, 2, 3, 4]), identity="other")
    states = opened(tmp_path, clock)
    states.put(saved([9, 9, 9, 9]))
    assert states.forget() == 3
    assert states.find([1, 2, 3, 4], 4) is None
    states.close()
    assert forget_states(tmp_path) == 1
    assert list(tmp_path.rglob("*.state")) == []
