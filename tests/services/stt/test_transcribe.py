"""The batch face: which engine a recording is given to. Texts and times are tested with the engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.stt import EngineUnusable, SttSettings, open_engine
from services.stt.engines.pocketsphinx import PocketSphinx
from services.stt.transcribe import transcribe
from shared.installed import InstalledModel
from tests.services.stt.whispers import write_whisper


class Shelf:
    def __init__(self, *models: InstalledModel) -> None:
        self.models = models

    def installed(self, role: str) -> Sequence[InstalledModel]:
        return self.models if role == "stt" else ()


def test_without_a_model_the_built_in_engine_transcribes() -> None:
    engine = open_engine(SttSettings(), Shelf())
    assert isinstance(engine, PocketSphinx)
    assert transcribe(engine, np.zeros(16_000, np.float32)).text == ""


def test_a_model_on_the_shelf_is_taken_first(tmp_path: Path) -> None:
    engine = open_engine(SttSettings(device="cpu", cpu_threads=1), Shelf(write_whisper(tmp_path, ("yes",))))
    assert (engine.name, engine.model) == ("faster-whisper", "tiny-test")


def test_a_damaged_model_is_passed_over_unless_its_engine_was_asked_for(tmp_path: Path) -> None:
    shelf = Shelf(write_whisper(tmp_path, ("yes",)))
    (tmp_path / "model.bin").write_bytes(b"")
    assert isinstance(open_engine(SttSettings(), shelf), PocketSphinx)
    with pytest.raises(EngineUnusable, match="tiny-test"):
        open_engine(SttSettings(engine="faster-whisper"), shelf)


def test_an_engine_that_was_asked_for_without_a_model_names_the_remedy() -> None:
    with pytest.raises(EngineUnusable, match="sotto models pull"):
        open_engine(SttSettings(engine="faster-whisper"), Shelf())
