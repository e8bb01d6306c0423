"""Every service that may live apart can be sent there: nothing of what makes it stays behind."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from services.app import Assistant, Settings
from services.isolation import Apart, IsolationSettings
from services.memory.settings import MemorySettings
from services.models.settings import ModelsSettings

APART = Apart(isolate="process")


@pytest.mark.may_block("an assistant is put together before its loop runs")
@pytest.mark.parametrize("name", sorted(IsolationSettings.model_fields))
async def test_it_can_be_pickled(name: str, tmp_path: Path) -> None:
    """With the settings and engines that the assistant gives it."""
    settings = Settings(
        isolation=IsolationSettings(stt=APART, tts=APART, llm=APART, embedding=APART),
        models=ModelsSettings(folder=tmp_path),
        memory=MemorySettings(folder=tmp_path),
    )
    (child,) = (one for one in Assistant(settings).supervisor.children if one.label == name)
    again = pickle.loads(pickle.dumps(child.build().make))
    assert type(again()).name == name
