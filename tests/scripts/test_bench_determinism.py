"""The comparison of strict answers to the last bit, in its shortest form; the script asks thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench_determinism import Witness, differing, wishes
from services.llm.engines import llama_model
from tests.kit import gguf_models


@pytest.mark.slow
async def test_no_bit_of_a_strict_answer_depends_on_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load, in another place, after opening anew, from the memory of prefixes, and from disk; bits of the fast
    mode do, with the same weights of 32 bits.
    """
    monkeypatch.setattr(llama_model, "Drawing", Witness)
    model = gguf_models.write_random(tmp_path / "model.gguf")
    differ = [(situation, number) async for situation, number in differing(model, wishes(16), threads=1)]
    assert [number for _, number in differ[:-1]] == [0] * 5
    situation, number = differ[-1]
    assert situation.startswith("fast mode under load")
    assert number > 0
