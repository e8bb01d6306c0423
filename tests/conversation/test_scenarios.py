"""Conversations from the scenario files, on virtual time, around the real dialogue and bus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversation.scenario import Scenario, load, play

SCENARIOS = load(Path(__file__).with_name("scenarios"))


@pytest.mark.looptime
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_conversation_goes_as_written(scenario: Scenario) -> None:
    await play(scenario)
