"""Memory by voice, with the real memory service beside the skills: told, told back, corrected, explained, forgotten."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from bus import Bus
from services.memory import MemoryService, MemorySettings
from services.skills import SkillsService, SkillsSettings
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.events import MemoryErased, MemoryStored, ToolCall, ToolResult, TurnFinished
from shared.ids import id_source
from tests.services.skills.conftest import SATURDAY, MemoryStore

FOLDER = "memory"


class Talk:
    """A person's turns, each finished with what the skill said."""

    def __init__(self, bench: Bench, clock: ManualClock) -> None:
        self.bench = bench
        self.clock = clock
        self.turn = 0

    async def ask(self, sentence: str, language: str = "en") -> ToolResult:
        self.turn += 1
        self.bench.publish(ToolCall, sentence=sentence, name="", arguments={}, language=language, turn=self.turn)
        result = await self.bench.next(ToolResult, timeout=60)
        self.finish(sentence, result.speech, result.name)
        return result

    async def say(self, sentence: str, language: str = "en") -> str:
        return (await self.ask(sentence, language)).speech

    def finish(self, asked: str, heard: str, by: str) -> None:
        self.bench.publish(
            TurnFinished,
            turn=self.turn,
            reason="answered",
            asked=asked,
            answered=heard,
            heard=heard,
            by=by,
            latency=None,
        )

    async def with_model(self, asked: str, heard: str) -> None:
        self.turn += 1
        self.finish(asked, heard, "llm")


@pytest.fixture
async def talk(tmp_path) -> AsyncIterator[Talk]:
    clock = ManualClock(SATURDAY)
    bus = Bus(clock=clock, ids=id_source("bus-"))
    memory = MemoryService(MemorySettings(folder=tmp_path / FOLDER, vectors=False))
    skills = SkillsService(SkillsSettings(timezone="Europe/London"), store=MemoryStore())
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(memory, bus=bus, clock=clock))
        yield Talk(await stack.enter_async_context(running(skills, bus=bus, clock=clock)), clock)


async def test_it_remembers_and_tells_back_and_is_corrected(talk):
    assert await talk.say("Remember that my bike code is 4512.") == "I will remember that your bike code is 4512."
    assert await talk.say("What's my bike code?") == "Your bike code is 4512."
    assert await talk.say("no, it's 4513") == "I will remember that your bike code is 4513, not 4512."
    assert await talk.say("what is my bike code") == "Your bike code is 4513."


async def test_a_newer_statement_replaces_the_older(talk):
    await talk.say("remember that my bike code is 4512")
    answer = await talk.say("My bike code is now 9")
    assert answer == "I will remember that your bike code is 9, no longer 4512."


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        ("My name is Ada Lovelace.", "who am I?", "Your name is Ada Lovelace."),
        ("call me Ishmael", "what is my name", "Your name is Ishmael."),
        ("I live in San Francisco", "where do I live?", "You live in San Francisco."),
        (
            "I'm allergic to nuts",
            "what do you know about nuts?",
            "On Saturday, November 21 you told me that you are allergic to nuts.",
        ),
        ("please remember I parked on level 3", "where did i park my car", "You parked on level 3."),
        (
            "don't forget that my mother's birthday is May 3rd",
            "when is my mother's birthday",
            "Your mother's birthday is May 3rd.",
        ),
        (
            "Remember that Rex is our dog",
            "do you remember what I told you about Rex?",
            "On Saturday, November 21 you told me that Rex is your dog.",
        ),
        (
            "keep in mind that the spare key is under the mat",
            "what did I tell you about the key",
            "On Saturday, November 21 you told me that the spare key is under the mat.",
        ),
    ],
)
async def test_what_was_told_is_told_back(talk, told, asked, answer):
    assert (await talk.say(told)).startswith("I will remember that")
    assert await talk.say(asked) == answer


@pytest.mark.parametrize(
    ("language", "told", "asked", "value"),
    [
        ("de", "Merk dir, dass mein Fahrradcode 4512 ist", "was ist mein Fahrradcode", "4512"),
        ("de", "Ich heiße Ada", "wie heiße ich?", "Ada"),
        ("fr", "Retiens que mon code est 4512", "quel est mon code", "4512"),
        ("fr", "Je m'appelle Ada", "comment je m'appelle", "Ada"),
        ("es", "Recuerda que mi clave es 4512", "cuál es mi clave", "4512"),
        ("es", "me llamo Ada", "cómo me llamo", "Ada"),
    ],
)
async def test_in_every_language(talk, language, told, asked, value):
    assert value in await talk.say(told, language)
    answer = await talk.ask(asked, language)
    assert answer.name == "recall_fact"
    assert value in answer.speech


async def test_everything_it_knows_is_told(talk):
    assert await talk.say("what do you know about me") == "You have not told me anything to remember yet."
    for number in range(7):
        await talk.say(f"remember that my box{number} is in room {number}")
    answer = await talk.say("What do you know about me?")
    assert answer.startswith("Your box6 is in room 6. Your box5 is in room 5.")
    assert answer.endswith("And 2 more; sotto memory list shows all of it.")


@pytest.mark.parametrize(
    "sentence",
    [
        "what is my bike code",
        "no, I meant the blue one",
        "no it is not",
        "how do you know that",
        "who is my favourite author",
        "my head is spinning",
        "my code is 7 characters long and it still fails somehow today",
        "is my name Ada?",
        "what do you know about the history of France",
        "remember this",
    ],
)
async def test_what_memory_does_not_know_is_for_the_model(talk, sentence):
    assert (await talk.ask(sentence)).outcome == "unmatched"


async def test_how_it_is_known_is_the_remembered_sentence_and_its_date(talk):
    await talk.say("remember that my bike code is 4512")
    talk.clock.advance(3 * 86_400 * 10**9)
    await talk.say("what is my bike code")
    assert (
        await talk.say("How do you know that?") == "You told me on Saturday, November 21 that your bike code is 4512."
    )


async def test_what_was_talked_about_is_told_with_its_date(talk):
    await talk.with_model("who painted the sunflowers?", "Vincent van Gogh did.")
    assert await talk.say("what did I tell you about sunflowers") == (
        'On Saturday, November 21 you asked me "who painted the sunflowers?", and I said "Vincent van Gogh did.".'
    )


async def test_forget_that(talk):
    await talk.say("remember that my door code is 7788")
    await talk.say("remember that my bike code is 4512")
    assert await talk.say("forget that") == "Forgotten."
    assert await talk.say("what do you know about me") == "Your door code is 7788."


async def test_forget_the_last_minutes(talk):
    await talk.say("remember that my door code is 7788")
    talk.clock.advance(20 * 60 * 10**9)
    await talk.say("remember that my bike code is 4512")
    assert await talk.say("forget the last ten minutes") == "Forgotten, everything of the last 10 minutes."
    assert await talk.say("what do you know about me") == "Your door code is 7788."


async def test_forget_everything_about_something(talk):
    await talk.say("remember that Zelda's birthday is on May 3")
    assert await talk.say("forget everything about Zelda") == "Forgotten, everything about Zelda."
    assert await talk.say("forget everything I told you about Zelda") == "There was nothing to forget."
    assert await talk.say("what did I tell you about Zelda") == "You have not told me anything about that."


async def test_a_thing_of_ones_own_is_forgotten_and_what_others_have_of_that_name_stays(talk):
    await talk.say("my address is 12 Elm Street")
    await talk.say("remember that Anna's address is 7 Oak Road")
    assert await talk.say("forget my address") == "Forgotten, everything about your address."
    assert await talk.say("what do you know about me") == "Anna's address is 7 Oak Road."


async def test_something_is_forgotten_by_its_name_alone_where_it_was_told_of(talk):
    await talk.say("remember that Anna plays the cello")
    assert (await talk.ask("forget about Boris")).outcome == "unmatched"
    assert await talk.say("forget about Anna") == "Forgotten, everything about Anna."
    assert (await talk.ask("forget Anna")).outcome == "unmatched"


async def test_what_is_told_for_a_day_is_kept_with_its_date_and_asked_for_by_any_name_of_it(talk):
    assert (
        await talk.say("remember for tomorrow that I have a dentist appointment at nine")
        == "I will remember that you have a dentist appointment at 9 on Sunday, November 22."
    )
    await talk.say("remember that the plumber comes tomorrow")
    [fact] = [e.item for e in talk.bench.log if isinstance(e, MemoryStored) and "plumber" in e.item.text]
    assert fact.text == "the plumber comes on Sunday, November 22, 2026"
    assert await talk.say("what do I have on Sunday?") == (
        "You have a dentist appointment at 9 on Sunday, November 22. The plumber comes on Sunday, November 22."
    )
    talk.clock.advance(86_400 * 10**9)
    assert "dentist" in await talk.say("what should I remember for today?")
    assert (await talk.ask("what do I have tomorrow")).outcome == "unmatched"


@pytest.mark.parametrize(
    ("language", "told", "kept"),
    [
        ("de", "Merk dir, dass Anna morgen kommt", "Anna am Sonntag, 22. November 2026 kommt"),
        ("de", "Merk dir, dass ich am Morgen jogge", "ich am Morgen jogge"),
        ("fr", "Retiens que Anna vient demain", "Anna vient le dimanche 22 novembre 2026"),
        ("es", "Recuerda que Ana viene mañana", "Ana viene el domingo, 22 de noviembre de 2026"),
        ("es", "Recuerda que corro por la mañana", "corro por la mañana"),
        ("en", "remember that I need the car until tomorrow", "I need the car until Sunday, November 22, 2026"),
        ("en", "remember that I fly the day after tomorrow", "I fly the day after tomorrow"),
    ],
)
async def test_tomorrow_is_kept_as_its_date(talk, language, told, kept):
    await talk.say(told, language)
    assert [e.item.text for e in talk.bench.log if isinstance(e, MemoryStored)] == [kept]


async def test_when_something_was_told_is_said_by_its_name(talk):
    await talk.say("my address is 12 Elm Street")
    await talk.say("remember that Rex is our dog")
    talk.clock.advance(3 * 86_400 * 10**9)
    said = "You told me on Saturday, November 21 that "
    assert await talk.say("When did I tell you my address?") == f"{said}your address is 12 Elm Street."
    assert await talk.say("when did I tell you about Rex?") == f"{said}Rex is your dog."
    assert await talk.say("when did I tell you that?") == f"{said}Rex is your dog."
    assert await talk.say("when did I tell you my shoe size?") == "You have not told me anything about that."


async def test_what_may_be_a_question_for_the_model_is_answered_where_something_was_told(talk):
    await talk.say("remember that Anna plays the cello")
    told = "On Saturday, November 21 you told me that Anna plays the cello."
    assert await talk.say("what do you know about Anna?") == told
    assert await talk.say("Have I told you about Anna?") == told
    assert (await talk.ask("do you know anything about an")).outcome == "unmatched"


async def test_what_was_talked_about_is_told_by_its_day(talk):
    assert await talk.say("what did we talk about yesterday") == "I have kept nothing of that time."
    for question in ("why is the sky blue?", "who painted the sunflowers?", "why is the sky blue?"):
        await talk.with_model(question, "So it is.")
    talk.clock.advance(86_400 * 10**9)
    said = "“what did we talk about yesterday”, “why is the sky blue?”, and “who painted the sunflowers?”."
    assert await talk.say("What did we talk about yesterday?") == f"On Saturday, November 21 you said: {said}"
    assert "sunflowers" in await talk.say("what did we talk about on Saturday")
    assert (await talk.say("what did we talk about last week")).startswith("In the last days you said: ")
    assert await talk.say("what was my last question") == (
        "On Sunday, November 22 you said: “what did we talk about last week”."
    )


async def test_what_was_talked_about_and_forgotten_is_not_told(talk):
    await talk.with_model("where is Zanzibar?", "In the ocean.")
    await talk.say("forget everything about Zanzibar")
    assert "Zanzibar" not in await talk.say("what did we talk about today")


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("de", "worüber haben wir gestern gesprochen"),
        ("fr", "de quoi avons-nous parlé hier"),
        ("es", "de qué hablamos ayer"),
    ],
)
async def test_what_was_talked_about_is_told_in_every_language(talk, language, question):
    await talk.with_model("Sonnenblumen?", "So.")
    talk.clock.advance(86_400 * 10**9)
    answer = await talk.ask(question, language)
    assert (answer.name, "Sonnenblumen" in answer.speech) == ("recall_talk", True)


async def test_forget_that_after_a_long_list_means_what_was_told_of_it(talk):
    for number in range(7):
        await talk.say(f"remember that my box{number} is in room {number}")
    await talk.say("what do you know about me?")
    await talk.say("forget that")
    assert await talk.say("what do you know about me?") == "Your box1 is in room 1. Your box0 is in room 0."


async def test_how_it_is_known_is_said_of_what_was_looked_up_too(talk):
    await talk.say("keep in mind that the spare key is under the mat")
    await talk.say("what did I tell you about the key")
    answer = "You told me on Saturday, November 21 that the spare key is under the mat."
    assert await talk.say("how do you know that?") == answer
    assert await talk.say("how do you know that?") == answer


async def test_timers_are_still_what_forget_my_timer_means(talk):
    await talk.say("set a pasta timer for ten minutes")
    assert (await talk.ask("forget my pasta timer")).name == "cancel_timer"


async def test_everything_is_not_forgotten_by_one_sentence(talk):
    await talk.say("remember that my bike code is 4512")
    for sentence in ("forget everything you know about me", "forget everything"):
        assert "sotto memory forget" in await talk.say(sentence)
    assert await talk.say("what is my bike code") == "Your bike code is 4512."


async def test_the_model_remembers_and_looks_up_by_the_same_skills(talk):
    talk.bench.publish(
        ToolCall, sentence="", name="remember_fact", arguments={"fact": "My bike code is 4512"}, language="en"
    )
    assert (await talk.bench.next(ToolResult)).data["remembered"] == "My bike code is 4512"
    talk.bench.publish(ToolCall, sentence="", name="recall_about", arguments={"topic": "bike code"}, language="en")
    assert (await talk.bench.next(ToolResult)).data["memories"] == ["My bike code is 4512"]


async def test_without_a_memory_it_says_so_and_questions_are_for_the_model():
    bus = Bus(clock=ManualClock(SATURDAY), ids=id_source("bus-"))
    async with running(SkillsService(SkillsSettings(languages=("en",)), store=MemoryStore()), bus=bus) as bench:
        talk = Talk(bench, ManualClock(SATURDAY))
        result = await talk.ask("remember that my bike code is 4512")
        assert (result.outcome, result.speech) == ("failed", "My memory is switched off.")
        assert (await talk.ask("what is my bike code")).outcome == "unmatched"
    assert not [event for event in bench.log if isinstance(event, MemoryStored | MemoryErased)]
