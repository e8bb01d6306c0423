"""Scenarios that are played while they are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus import Bus
from bus.journal import Entry, Journal, Recording, Step
from services.dialogue import DialogueService
from shared.events import Event, current
from tests.conversation.scenario import Scenario, load, play

SCENARIOS = load(Path(__file__).parents[1] / "conversation" / "scenarios")


async def lived(scenario: Scenario) -> list[Entry]:
    """Play a scenario; returns what a journal takes in of it."""
    entries: list[Entry] = []

    def step(session: str, input: str, woke: bool, now: int) -> None:
        cause: Event | None = current.get()
        entries.append(Step(session, input, woke, now, cause.id if cause else None))

    def begin(bus: Bus, service: DialogueService) -> None:
        bus.tap(entries.append)
        service.watch(step)

    await play(scenario, begin)
    return entries


def written(folder: Path, scenario: Scenario, entries: Sequence[Entry]) -> Recording:
    """The entries as a recording in `folder`, with the settings of the scenario."""
    settings = {"dialogue": scenario.world.get("settings", {})}
    journal = Journal(folder, "test", started_at=0, settings=settings)
    for entry in entries:
        journal.write(entry)
    journal.close()
    return Recording(journal.place.folder)


async def recorded(folder: Path, scenario: Scenario) -> Recording:
    """Play a scenario and record it."""
    entries = await lived(scenario)
    return await asyncio.to_thread(written, folder, scenario, entries)


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Each scenario there is."""
    found: Scenario = request.param
    return found
