"""What if: a recorded conversation held under another setting, from what was recorded of its engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.dialogue import DialogueSettings
from services.dialogue.again import changed
from services.dialogue.whatif import Held, changes, hold, turns
from shared.errors import ConfigError
from shared.events import Event, encode
from tests.conversation.scenario import Scenario
from tests.replay.conftest import SCENARIOS, lived


async def recorded_events(scenario: Scenario) -> list[Event]:
    return [entry for entry in await lived(scenario) if isinstance(entry, Event)]


def named(start: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name.startswith(start))


async def held(events: list[Event], **settings: object) -> Held:
    """In a thread: it has a loop of its own."""
    return await asyncio.to_thread(hold, events, DialogueSettings.model_validate(settings))


@pytest.mark.looptime
@pytest.mark.parametrize(
    "start",
    [
        "a spoken question is answered by a skill",
        "what no skill knows goes to the model",
        "real words interrupt",
        "a backchannel lets the answer go on",
        "a sentence that hangs is waited for",
    ],
)
async def test_under_its_own_settings_it_goes_as_it_went(start: str) -> None:
    """The same turns to the word, twice the same to the byte, their latency within two reports of the speaker."""
    scenario = named(start)
    settings = scenario.world.get("settings", {})
    events = await recorded_events(scenario)
    once, twice = await held(events, **settings), await held(events, **settings)
    assert [encode(event) for event in once.events] == [encode(event) for event in twice.events]
    assert once.guessed == ()
    for change in changes(turns(events), once.turns):
        assert change.what == (), change
        assert abs(change.moved.get("total", 0)) <= 80_000_000


@pytest.mark.looptime
async def test_a_shorter_wait_shortens_the_latency_by_as_much() -> None:
    """And nothing else is different."""
    events = await recorded_events(named("what no skill knows goes to the model"))
    before, now = await held(events), await held(events, wait_ms=400)
    (change,) = changes(before.turns, now.turns)
    assert change.what == ()
    assert change.moved == {"endpoint_wait": -200_000_000, "total": -200_000_000}


@pytest.mark.looptime
async def test_too_short_a_wait_takes_a_sentence_for_whole() -> None:
    """What follows is another turn; that the skills were never asked half of it is said."""
    events = await recorded_events(named("a sentence that hangs is waited for"))
    before, now = await held(events), await held(events, max_wait_ms=300)
    first, *more = changes(before.turns, now.turns)
    assert first.now is not None
    assert (first.now.asked, more != [] or "asked" in first.what) == ("set a timer for", True)
    assert any("set a timer for" in what for what in now.guessed)


def test_a_conversation_without_a_turn_is_none(tmp_path: Path) -> None:
    """Nothing happens, and it ends."""
    assert hold([], DialogueSettings()).turns == []


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tts.voice", "other", "its engines answer from the record"),
        ("dialogue.system_prompt", "Be short.", "--live --set dialogue.system_prompt"),
        ("dialogue.wait_ms", "soon", r"dialogue\.wait_ms: Input should be a valid integer.* not 'soon' \(from --set\)"),
        ("dialogue.wait", "1", "dialogue.wait"),
    ],
)
def test_what_a_record_cannot_tell_is_refused(key: str, value: str, told: str) -> None:
    """With what can be done instead."""
    with pytest.raises(ConfigError, match=told):
        changed(DialogueSettings(), {key: value})


def test_a_setting_is_taken_as_it_is_typed() -> None:
    """With and without its section where all parts share it."""
    other = changed(DialogueSettings(), {"dialogue.wait_ms": "400", "wake": "hey_jarvis,alexa", "language": "de"})
    assert (other.wait_ms, other.wake, other.language) == (400, ("hey_jarvis", "alexa"), "de")
