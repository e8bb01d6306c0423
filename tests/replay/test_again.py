"""A recorded session is held again for whoever asks through the gateway, even while it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scripts.wire import Refused, Wire
from services.app import Assistant, Settings
from services.gateway import GatewaySettings
from services.journal import JournalSettings
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from shared.events import GatewayOpened, TextEntered, TurnFinished

pytestmark = pytest.mark.slow


async def test_it_is_run_again_and_asked_what_if(tmp_path: Path) -> None:
    """The same to the byte; under another setting turn by turn; what no record can tell is refused in words."""
    settings = Settings(
        gateway=GatewaySettings(enabled=True, port=0),
        journal=JournalSettings(folder=tmp_path / "sessions"),
        models=ModelsSettings(folder=tmp_path / "models"),
        skills=SkillsSettings(alarms_file=tmp_path / "alarms.json"),
    )
    settings = settings.model_copy(update={"memory": settings.memory.model_copy(update={"enabled": False})})
    assistant = Assistant(settings, "text", watched=True)
    with assistant.bus.subscribe(GatewayOpened, TurnFinished, name="test") as seen, capture_logs():
        async with assistant:
            opened = await anext(seen)
            assert isinstance(opened, GatewayOpened)
            assistant.emit(TextEntered, text="what is seventeen times twenty three", speak=False)
            await anext(seen)
            wire, path = Wire(opened.url), f"/v1/sessions/{assistant.session}/again"
            told = await asyncio.to_thread(wire.get, path)
            assert (told["same"], told["difference"], told["problems"]) == (True, "", [])
            told = await asyncio.to_thread(wire.get, f"{path}?set=dialogue.wait_ms=400&set=dialogue.min_wait_ms=200")
            assert [(turn["now"]["heard"], turn["different"]) for turn in told["turns"]] == [
                ("17 times 23 is 391.", [])
            ]
            for asked, words in (
                ("tts.voice=x", "--live --set tts.voice"),
                ("dialogue.wait_ms=x", "wait_ms"),
                ("x", "set"),
            ):
                with pytest.raises(Refused, match=words):
                    await asyncio.to_thread(wire.get, f"{path}?set={asked}")
            with pytest.raises(Refused, match="nobody"):
                await asyncio.to_thread(wire.get, "/v1/sessions/nobody/again")
