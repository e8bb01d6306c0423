"""Two models share the memory of one under a random load: nothing is lost, and both answer afterwards as at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench_soak import live

pytestmark = pytest.mark.slow


async def test_two_models_change_places_and_nothing_is_lost(tmp_path: Path, steps: int) -> None:
    life = await live(tmp_path, steps // 2000, seed=3)
    assert (life.lost, life.crashes, life.changed) == ([], 0, 0)
    assert set(life.ends.values()) == {1}
    assert life.swaps >= 2, "they did not fit together"
