"""A recorded conversation comes out the same, to the byte, when its inputs go through dialogue again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.journal import Recording, Step
from services.dialogue import DialogueSettings
from services.dialogue.rerun import rerun
from shared.events import Event, encode
from tests.conversation.scenario import Scenario
from tests.replay.conftest import recorded


def log(events: Iterator[Event]) -> bytes:
    """The event log, a line each; sound by its length."""
    return b"\n".join(b"%b %d" % (header, len(payload)) for header, payload in map(encode, events))


def settings(recording: Recording) -> DialogueSettings:
    return DialogueSettings.model_validate(recording.settings["dialogue"])


@pytest.mark.looptime
async def test_each_scenario_comes_out_the_same_to_the_byte(
    scenario: Scenario, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Once; with --long fifty times."""
    times = 50 if request.config.getoption("--long") else 1
    recording = await recorded(tmp_path, scenario)

    def prove() -> None:
        entries, before = list(recording.entries()), log(recording.events())
        assert recording.problems == ()
        for _ in range(times):
            assert log(rerun(entries, settings(recording))) == before
        assert sum(isinstance(entry, Step) for entry in entries) > 10

    await asyncio.to_thread(prove)
