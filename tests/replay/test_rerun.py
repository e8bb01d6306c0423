"""A recorded conversation comes out the same, to the byte, when its inputs go through dialogue again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.journal import Entry, Recording, Step
from services.dialogue import DialogueSettings
from services.dialogue.rerun import Differs, rerun
from shared.events import Event, SpeechStarted, TtsRequest, TurnCommitted, encode
from tests.conversation.scenario import Scenario
from tests.replay.conftest import SCENARIOS, recorded


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
        entries = list(recording.entries())
        before = log(entry for entry in entries if isinstance(entry, Event))
        assert recording.problems == ()
        for _ in range(times):
            assert log(rerun(entries, settings(recording))) == before
        assert sum(isinstance(entry, Step) for entry in entries) > 10

    await asyncio.to_thread(prove)


async def the_story(folder: Path) -> list[Entry]:
    """One in which the person interrupts."""
    scenario = next(s for s in SCENARIOS if s.name.startswith("real words interrupt"))
    recording = await recorded(folder, scenario)
    return await asyncio.to_thread(lambda: list(recording.entries()))


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"preroll_ms": 100}, "stt.start .*: from_sample was 69120 and is now 72320"),
        ({"wait_ms": 500}, "it now acts on endpoint, earlier than it did"),
        ({"wait_ms": 700}, "It acted on endpoint at sample .* and now waits until "),
        ({"system_prompt": "Be short."}, "llm.request .*: messages was .* and is now "),
    ],
)
async def test_another_decision_is_found_where_it_is_made(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    """What was said, to whom, and when: a setting stands for any change of the code."""
    entries = await the_story(tmp_path)
    with pytest.raises(Differs, match=told):
        list(rerun(entries, DialogueSettings.model_validate(changed)))


@pytest.mark.looptime
async def test_what_is_missing_or_too_much_in_the_record_is_told(tmp_path: Path) -> None:
    """By the event's name."""
    entries = await the_story(tmp_path)
    asked = next(e for e in entries if isinstance(e, TtsRequest))
    with pytest.raises(Differs, match=f"it now says tts.request of turn {asked.turn}"):
        list(rerun([e for e in entries if e is not asked], DialogueSettings()))
    started = next(e for e in entries if isinstance(e, SpeechStarted))
    with pytest.raises(Differs, match=f"It took event {started.id}, which is not in the recording"):
        list(rerun([e for e in entries if e is not started], DialogueSettings()))
    committed = next(e for e in entries if isinstance(e, TurnCommitted))
    place = entries.index(committed)
    with pytest.raises(Differs, match=f"It no longer says turn.committed {committed.id}"):
        list(rerun([*entries[:5], committed, *entries[5:place]], DialogueSettings()))


@pytest.mark.looptime
async def test_a_record_that_breaks_off_anywhere_is_the_same_up_to_there(tmp_path: Path) -> None:
    """As after a crash."""
    entries = await the_story(tmp_path)
    for end in range(0, len(entries), 23):
        events = [entry for entry in entries[:end] if isinstance(entry, Event)]
        assert list(rerun(entries[:end], DialogueSettings())) == events
