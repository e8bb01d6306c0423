"""The comparison of strict answers to the last bit, in its shortest form; the script asks thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench_determinism import Witness, differing, wishes
from scripts.make_test_models import exact
from services.llm.engines import llama_model


@pytest.mark.slow
async def test_no_bit_of_a_strict_answer_depends_on_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load, in another place, after opening anew, from the memory of prefixes, and from disk."""
    monkeypatch.setattr(llama_model, "Drawing", Witness)
    found = {situation: number async for situation, number in differing(exact(tmp_path, "q8_0"), wishes(8), threads=1)}
    assert len(found) == 6
    assert {situation: number for situation, number in found.items() if "comparison" not in situation and number} == {}
