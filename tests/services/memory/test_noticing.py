"""What a person says of themselves in passing is kept as a fact by a language model, in their own words alone."""

from __future__ import annotations

import json

import pytest

from services.llm.schema import from_schema
from services.memory.noticing import _SCHEMA
from shared.events import LlmRequest, LlmResponse, MemoryNoted
from tests.services.memory.test_conversations import Writer

SAID = "by the way my sister Anna moved to Lyon, what is there to see?"


def fact(words: str, about: str, says: str, replaces: int = 0) -> dict[str, object]:
    return {"words": words, "about": about, "says": says, "replaces": replaces}


def answer(*facts: dict[str, object]) -> str:
    return json.dumps({"facts": facts})


ANNA = fact("my sister Anna moved to Lyon", "my sister Anna", "moved to Lyon")


async def test_what_is_said_in_passing_is_kept_as_it_was_said_and_told(remembering) -> None:
    writer = Writer(answer(ANNA))
    async with remembering(writer, turns=False, vectors=False) as person:
        await person.talk(SAID, "The old town.")
        noted = await person.bench.next(MemoryNoted)
        [item] = noted.items
        assert (item.what, item.text, item.key, item.value) == (
            "fact",
            "my sister Anna moved to Lyon",
            "my sister Anna",
            "moved to Lyon",
        )
        assert (item.session, item.turn, noted.turn) == ("test", 1, 0)
        [request] = writer.asked
        assert (request.priority, request.turn, request.structure.json_schema is not None) == ("background", 0, True)
        assert await person.ask("where does my sister Anna live?", "answer") == ["my sister Anna moved to Lyon"]


async def test_what_is_no_longer_true_because_of_it_is_superseded(remembering) -> None:
    writer = Writer(answer(fact("my sister Anna lives in Lyon", "my sister Anna", "lives in Lyon")))
    async with remembering(writer, turns=False, vectors=False) as person:
        await person.talk("my sister Anna lives in Lyon", "How nice.")
        await person.bench.next(MemoryNoted)
        writer.text = answer(fact("my sister Anna moved to Paris", "my sister Anna", "moved to Paris", 1))
        await person.talk("my sister Anna moved to Paris", "How nice.")
        assert (await person.bench.next(MemoryNoted)).replaced == ("lives in Lyon",)
        assert await person.ask("", "facts") == ["my sister Anna moved to Paris"]
        assert "Known facts:\n1. my sister Anna lives in Lyon" in writer.asked[1].messages[-1].content


async def test_a_known_statement_is_read_by_its_words_as_it_is_without_a_model(remembering) -> None:
    async with remembering(Writer(answer(fact("my shoe size is 43", "shoe", "43"))), vectors=False) as person:
        await person.tell("my shoe size is 42")
        await person.talk("well my shoe size is 43 now I think", "Noted.")
        assert (await person.bench.next(MemoryNoted)).replaced == ("42",)
        assert await person.ask("shoe size", "value") == ["my shoe size is 43"]


@pytest.mark.parametrize(
    "text",
    [
        answer(),
        answer(fact("my sister Anna moved to Rome", "my sister Anna", "moved to Rome")),
        answer(fact("my sister Anna moved to Lyon", "my sister Anna", "she loves it")),
        answer(fact("Anna", "Anna", "Anna")),
        '{"facts": [{"words": "my sister Anna',
        "My pleasure!",
    ],
    ids=["nothing", "other words", "made up", "too short", "cut off", "no JSON"],
)
async def test_what_the_person_did_not_say_is_not_kept(remembering, text) -> None:
    async with remembering(Writer(text), vectors=False, turns=False) as person:
        await person.talk(SAID, "The old town.")
        await person.bench.next(LlmResponse)
        await person.talk("thank you", "You are welcome.")
        assert await person.ask("", "facts") == []
        assert not [event for event in person.bench.log if isinstance(event, MemoryNoted)]


@pytest.mark.parametrize(
    ("said", "settings"),
    [("what is the capital of France?", {}), ("my word", {}), (SAID, {"notice": False})],
    ids=["nothing of oneself", "too little", "switched off"],
)
async def test_the_model_is_not_asked_without_need(remembering, said, settings) -> None:
    writer = Writer(answer(ANNA))
    async with remembering(writer, vectors=False, **settings) as person:
        await person.talk(said, "Well.")
        await person.ask("", "facts")
        assert not [event for event in person.bench.log if isinstance(event, LlmRequest)]


def test_the_language_models_grammar_keeps_to_the_schema() -> None:
    assert "root ::=" in from_schema(_SCHEMA)


async def test_a_correction_means_what_was_noted_last(remembering) -> None:
    async with remembering(Writer(answer(ANNA)), vectors=False) as person:
        await person.talk(SAID, "The old town.")
        await person.bench.next(MemoryNoted)
        stored = await person.tell("moved to Nice", corrects=True)
        assert stored.item is not None
        assert stored.item.text == "my sister Anna moved to Nice"
