"""The service on its bus: one result a call, in words, with the action that dialogue is to take."""

from __future__ import annotations

import pytest

from shared.events import ServiceDegraded, SkillsRegistered, ToolResult


async def test_a_question_is_answered_in_words(talk):
    result = await talk.say("What time is it?")
    assert (result.outcome, result.name, result.speech) == ("answered", "tell_time", "It is 2:00 PM.")


async def test_the_result_names_its_call_as_its_cause(talk):
    result = await talk.say("what time is it")
    assert result.cause is not None
    assert result.cause.startswith("test-")
    assert (result.session, result.turn) == ("test", 1)


async def test_what_no_skill_knows_is_unmatched_and_nothing_is_said(talk):
    result = await talk.say("what is the time complexity of quicksort")
    assert (result.outcome, result.name, result.speech, result.action) == ("unmatched", "", "", "none")


async def test_a_tool_nobody_has_is_unmatched(talk):
    result = await talk.call("open_the_pod_bay_doors")
    assert (result.outcome, result.name) == ("unmatched", "open_the_pod_bay_doors")


async def test_the_model_calls_the_same_skill_with_the_same_arguments(talk):
    said = await talk.say("set a timer for ten minutes")
    called = await talk.call("set_timer", minutes=10)
    assert said.speech == called.speech == "Timer set for 10 minutes."


async def test_spaces_around_what_a_model_copied_are_no_part_of_it(talk):
    assert (await talk.call("calculate", expression=" 6 * 7 ")).speech == "6 times 7 is 42."


@pytest.mark.parametrize("arguments", [{"minutes": "soon"}, {"weeks": 2}, {"minutes": -1}, {"minutes": [1]}], ids=str)
async def test_wrong_arguments_fail_and_name_what_is_wrong(talk, arguments):
    result = await talk.call("set_timer", **arguments)
    assert result.outcome == "failed"
    assert next(iter(arguments)) in result.speech
    assert talk.store.kept == ()


async def test_every_call_has_exactly_one_result(talk):
    sentences = ["what time is it", "set the table", "stop", "", "ten divided by zero"] * 5
    results = [await talk.say(sentence) for sentence in sentences]
    assert len({result.cause for result in results}) == len(sentences)
    assert sum(isinstance(event, ToolResult) for event in talk.bench.log) == len(sentences)


async def test_skills_are_registered_for_recognition_and_for_the_model(talk):
    registered = next(event for event in talk.bench.log if isinstance(event, SkillsRegistered))
    assert "en" in registered.sentences
    tools = {tool.name: tool for tool in registered.tools}
    assert tools["set_timer"].parameters["properties"]["minutes"]["type"] == "number"


@pytest.mark.parametrize(
    ("sentence", "action"),
    [
        ("stop", "stop"),
        ("repeat that", "repeat"),
        ("go on", "resume"),
        ("louder", "louder"),
        ("turn it down a bit", "quieter"),
        ("set the volume to forty percent", "volume"),
    ],
)
async def test_what_dialogue_is_to_do_comes_as_an_action(talk, sentence, action):
    result = await talk.say(sentence)
    assert (result.outcome, result.action) == ("answered", action)


async def test_the_volume_comes_as_a_percentage(talk):
    result = await talk.say("volume forty percent")
    assert result.data == {"percent": 40}


async def test_after_a_mute_it_is_as_loud_as_it_was_told_to_be(talk):
    said = [await talk.say(sentence) for sentence in ("volume forty percent", "mute", "mute", "unmute")]
    assert [result.data["percent"] for result in said] == [40, 0, 0, 40]
    assert [result.speech for result in said] == ["Volume 40 percent.", "", "", ""]
    assert {result.action for result in said} == {"volume"}
    assert (await talk.say("unmute")).action == "none"


async def test_a_damaged_file_of_alarms_is_said_and_skills_work_on(talking):
    from services.skills.ringing import AlarmsDamaged

    class Damaged:
        def load(self):
            raise AlarmsDamaged("The timers and alarms could not be read.", remedy="Set them again.")

        def save(self, alarms): ...

    async with talking(store=Damaged()) as talk:
        [degraded] = [event for event in talk.bench.log if isinstance(event, ServiceDegraded)]
        assert degraded.reason == "The timers and alarms could not be read. Set them again."
        assert (await talk.say("set a timer for ten minutes")).outcome == "answered"


async def test_every_tool_has_a_schema_that_its_own_arguments_satisfy(talk):
    registered = next(event for event in talk.bench.log if isinstance(event, SkillsRegistered))
    for tool in registered.tools:
        assert tool.description, tool.name
        assert tool.parameters["type"] == "object"
        assert all("description" in field for field in tool.parameters["properties"].values()), tool.name
        assert "title" not in str(tool.parameters)
