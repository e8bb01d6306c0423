"""A running assistant is recorded from outside, through its event socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bus.journal import Recording
from scripts import record
from services.app import Assistant, Settings
from services.dialogue import DialogueSettings
from services.dialogue.again import NoSteps, require_steps
from services.dialogue.whatif import hold, turns
from services.gateway import GatewaySettings
from services.journal import JournalSettings
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from shared.events import GatewayOpened, TextEntered, TurnFinished


async def test_a_session_is_recorded_through_the_socket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It can be read, and asked what if; that it cannot be run again to the byte is said."""
    settings = Settings(
        gateway=GatewaySettings(enabled=True, port=0),
        journal=JournalSettings(enabled=False, folder=tmp_path),
        models=ModelsSettings(folder=tmp_path / "models"),
        skills=SkillsSettings(alarms_file=tmp_path / "alarms.json"),
    )
    settings = settings.model_copy(update={"memory": settings.memory.model_copy(update={"enabled": False})})
    assistant = Assistant(settings, "text", watched=True)
    kinds = (GatewayOpened, TurnFinished)
    with assistant.bus.subscribe(*kinds, name="test") as seen, capture_logs():
        async with assistant:
            opened = await anext(seen)
            assert isinstance(opened, GatewayOpened)
            assistant.emit(TextEntered, text="what is seventeen times twenty three", speak=False)
            await anext(seen)
            words = ["--url", opened.url, "--since", opened.id, "--turns", "1", str(tmp_path / "taken")]
            assert await asyncio.to_thread(record.main, words) == 0
    assert "events are in" in capsys.readouterr().out

    def look() -> None:
        (folder,) = (tmp_path / "taken").iterdir()
        events = list(Recording(folder).events())
        assert [turn.heard for turn in turns(events)] == ["17 times 23 is 391."]
        assert [turn.heard for turn in hold(events, DialogueSettings()).turns] == ["17 times 23 is 391."]
        with pytest.raises(NoSteps, match="recorded from outside"):
            require_steps(Recording(folder))

    await asyncio.to_thread(look)
