"""Conversations are kept as they were heard, gone on with by name, summed up when too long, and forgotten for good."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import ClassVar

import pytest

from services.contract import Context
from services.dialogue import DialogueService, DialogueSettings
from services.memory.conversations import Conversations
from services.memory.database import Database
from services.memory.errors import NoConversation
from services.memory.schema import _FIRST, _script
from shared.events import (
    NOTHING_USED,
    Event,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    MemoryForget,
    ModelLoaded,
    PastTurn,
    SessionCleared,
    SessionOpened,
    SessionResume,
    SessionResumed,
    SessionSummarised,
    TextEntered,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnHeard,
    TurnName,
)
from tests.services.memory.conftest import MINUTE, SATURDAY, raw


def past(turn: int, asked: str, heard: str, session: str = "s1", at: int = SATURDAY) -> PastTurn:
    return PastTurn(session=session, turn=turn, at=at + turn, asked=asked, heard=heard, reason="answered")


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "memory" / "memory.sqlite3")
    yield made
    made.close()


@pytest.fixture
def conversations(database):
    return Conversations(database)


class Writer:
    """A language model that sums up; it says what it was asked."""

    name: ClassVar[str] = "llm"
    consumes: ClassVar[tuple[type[Event], ...]] = (LlmRequest,)

    def __init__(self, text: str = "Each question has its answer.", *, there: bool = True) -> None:
        self.text = text
        self.there = there
        self.asked: list[LlmRequest] = []

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, LlmRequest)
            self.asked.append(event)
            if not self.there:
                ctx.emit(LlmFailed, request=event.id, reason="no-model", message="There is none.")
                continue
            rest = {"finish": "stop", "tool_requests": (), "usage": NOTHING_USED, "model": "test"}
            ctx.emit(LlmResponse, request=event.id, text=self.text, **rest)


# ---- the store


def test_a_conversation_is_told_as_it_was_heard_over_all_its_sessions(conversations) -> None:
    conversations.add(past(1, "what is a fjord?", "A fjord is a"), "trip")
    conversations.add(past(1, "and a skerry?", "A small rock.", session="s2"), "trip")
    conversations.add(past(1, "and a skerry?", "A small rock.", session="s2"), "trip")
    told, summary = conversations.told("trip", 10)
    assert [(e.asked, e.heard) for e in told] == [
        ("what is a fjord?", "A fjord is a"),
        ("and a skerry?", "A small rock."),
    ]
    assert summary is None
    [one] = conversations.listed()
    assert (one.name, one.turns, set(one.sessions)) == ("trip", 2, {"s1", "s2"})


def test_a_conversation_is_found_by_its_name_by_how_a_session_begins_or_as_the_last(conversations) -> None:
    conversations.add(past(1, "hello", "Hello.", session="abc1"), "abc1")
    conversations.add(past(2, "hello", "Hello.", session="abd1"), "trip")
    found = [conversations.find(wanted) for wanted in ("trip", "abc", "abd", "last")]
    assert found == ["trip", "abc1", "trip", "trip"]
    for wanted, said in (("ab", "begins 2 sessions"), ("nothing", "no conversation called"), ("", "no conversation")):
        with pytest.raises(NoConversation, match=said):
            conversations.find(wanted)


def test_there_is_no_last_conversation_before_the_first(conversations) -> None:
    with pytest.raises(NoConversation, match="sotto --session"):
        conversations.find("last")


def test_a_summary_stands_for_the_oldest_exchanges_which_stay(conversations) -> None:
    for turn in range(1, 7):
        conversations.add(past(turn, f"question {turn}", f"Answer {turn}."), "trip")
    numbers = [exchange.number for exchange in conversations.unsummarised("trip")[:4]]
    made = conversations.summarise("trip", "Four things were asked.", numbers[-1], numbers)
    told, summary = conversations.told("trip", 10)
    assert made == summary
    assert (summary.text, [name.turn for name in summary.turns]) == ("Four things were asked.", [1, 2, 3, 4])
    assert [exchange.turn for exchange in told] == [5, 6]
    assert conversations.listed()[0].turns == 6


def test_no_summary_is_kept_of_what_was_forgotten_meanwhile(conversations) -> None:
    for turn in (1, 2):
        conversations.add(past(turn, f"question {turn}", f"Answer {turn}."), "trip")
    numbers = [exchange.number for exchange in conversations.unsummarised("trip")]
    conversations.forget(conversations.meant([TurnName(session="s1", turn=1)]))
    assert conversations.summarise("trip", "It told of question 1.", numbers[-1], numbers) is None
    assert conversations.summary("trip") == ""


def test_forgetting_takes_the_exchange_and_the_summary_that_tells_of_it_out_of_the_files(
    conversations, database, tmp_path
) -> None:
    for turn, asked in enumerate(["my secret is Zanzibar", "what time is it?", "and now?"], 1):
        conversations.add(past(turn, asked, "Yes."), "trip")
    numbers = [exchange.number for exchange in conversations.unsummarised("trip")[:1]]
    conversations.summarise("trip", "The secret Zanzibar was told.", numbers[-1], numbers)
    assert conversations.forget(conversations.meant([], words=[["zanzibar"]]), words=[["zanzibar"]]) == 1
    told, summary = conversations.told("trip", 10)
    assert ([e.asked for e in told], summary) == (["what time is it?", "and now?"], None)
    assert b"anzibar" not in raw(tmp_path)
    conversations.clear()
    assert conversations.listed() == []
    assert b"trip" not in raw(tmp_path)


def test_retention_reaches_conversations(conversations, tmp_path) -> None:
    conversations.add(past(1, "what is in Zanzibar?", "Fish."), "trip")
    conversations.add(past(2, "and where is it?", "In the sea.", at=SATURDAY + MINUTE), "trip")
    assert conversations.expire(SATURDAY + MINUTE) == 1
    assert [exchange.asked for exchange in conversations.told("trip", 10)[0]] == ["and where is it?"]
    assert b"anzibar" not in raw(tmp_path)


def test_the_file_of_an_earlier_sotto_gets_its_conversations(tmp_path) -> None:
    path = tmp_path / "memory.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        _script(_FIRST)(connection)
        connection.execute("PRAGMA user_version = 1")
    with contextlib.closing(Database(path)) as database:
        Conversations(database).add(past(1, "hello", "Hello."), "trip")
        assert [one.name for one in Conversations(database).listed()] == ["trip"]


# ---- the service


async def resume(person, name: str, session: str, *, begin: bool = False) -> SessionResumed:
    person.bench.publish(SessionResume, session=session, turn=0, name=name, begin=begin)
    return await person.bench.next(SessionResumed)


async def test_a_conversation_goes_on_by_its_name_after_a_restart(remembering) -> None:
    async with remembering(vectors=False) as person:
        assert (await resume(person, "trip", "test", begin=True)).turns == ()
        await person.talk("what is a fjord?", "A fjord is a")
        await person.ask("", "facts")  # answered once the turn was kept
    async with remembering(vectors=False) as person:
        resumed = await resume(person, "trip", "later")
        assert [(turn.session, turn.asked, turn.heard) for turn in resumed.turns] == [
            ("test", "what is a fjord?", "A fjord is a")
        ]
        assert resumed.problem == ""
        missing = await resume(person, "another", "later")
        assert (missing.turns, "no conversation called another" in missing.problem) == ((), True)


async def test_what_was_reported_late_to_have_been_heard_counts(remembering) -> None:
    async with remembering(vectors=False) as person:
        await person.talk("what is a fjord?", "A narrow")
        person.bench.publish(TurnHeard, turn=1, heard="A narrow inlet.")
        assert [turn.heard for turn in (await resume(person, "last", "later")).turns] == ["A narrow inlet."]


async def test_the_wish_to_forget_is_no_part_of_it(remembering, tmp_path) -> None:
    async with remembering(vectors=False) as person:
        await person.talk("what is a fjord?", "A narrow inlet.")
        person.turn += 1
        person.finish("forget everything about Zanzibar", "Forgotten, everything about Zanzibar.", by="forget_memory")
        assert len((await resume(person, "last", "later")).turns) == 1
    assert b"anzibar" not in raw(tmp_path)


async def test_a_session_that_nobody_named_bears_its_own_name(remembering) -> None:
    async with remembering(vectors=False) as person:
        await person.talk("what is a fjord?", "A narrow inlet.")
        assert (await resume(person, "last", "later")).name == "test"


async def test_nothing_is_kept_where_the_settings_say_so(remembering) -> None:
    async with remembering(conversations=False, vectors=False) as person:
        await person.talk("what is a fjord?", "A narrow inlet.")
        assert "no conversation" in (await resume(person, "last", "later")).problem


async def test_a_conversation_that_was_cleared_begins_anew(remembering) -> None:
    async with remembering(vectors=False) as person:
        await resume(person, "trip", "test", begin=True)
        await person.talk("what is a fjord?", "A narrow inlet.")
        person.bench.publish(SessionCleared, turn=0)
        await person.talk("what is a skerry?", "A small rock.")
        assert [turn.asked for turn in (await resume(person, "trip", "later")).turns] == ["what is a skerry?"]


async def test_when_it_grows_too_long_a_summary_takes_the_place_of_its_oldest_turns(remembering) -> None:
    writer = Writer()
    async with remembering(writer, summarise_turns=6, keep_told_turns=2, vectors=False) as person:
        for turn in range(1, 7):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        event = await person.bench.next(SessionSummarised)
        assert (event.session, event.turn) == ("test", 0)
        assert (event.summary.text, [name.turn for name in event.summary.turns]) == (writer.text, [1, 2, 3, 4])
        [asked] = writer.asked
        assert (asked.priority, asked.turn) == ("background", 0)
        assert "User: question 1\nAssistant: Answer 1." in asked.messages[-1].content
        assert "question 5" not in asked.messages[-1].content
        resumed = await resume(person, "last", "later")
        assert (resumed.summary, [turn.turn for turn in resumed.turns]) == (event.summary, [5, 6])
        for turn in range(7, 11):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        assert len((await person.bench.next(SessionSummarised)).summary.turns) == 8
        assert f"Notes so far:\n{writer.text}" in writer.asked[-1].messages[-1].content


async def test_notes_that_tell_of_something_else_take_no_place_and_are_not_asked_for_at_once_again(remembering) -> None:
    writer = Writer("I cannot do that here, I have no tools.")
    async with remembering(writer, summarise_turns=6, keep_told_turns=2, vectors=False) as person:
        for turn in range(1, 8):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        await person.bench.next(LlmResponse)
        await person.talk("question 8", "Answer 8.")
        resumed = await resume(person, "last", "later")
        assert (resumed.summary, len(resumed.turns)) == (None, 8)
        writer.text = "Each question has its answer."
        for turn in range(9, 15):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        assert (await person.bench.next(SessionSummarised)).summary.text == writer.text
    assert len(writer.asked) == 2


async def test_without_a_model_nothing_is_summed_up_until_one_comes(remembering) -> None:
    writer = Writer(there=False)
    async with remembering(writer, summarise_turns=6, keep_told_turns=2, vectors=False) as person:
        for turn in range(1, 7):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        await person.bench.next(LlmFailed)
        await person.talk("question 7", "Answer 7.")
        assert len((await resume(person, "last", "later")).turns) == 7
        writer.there = True
        person.bench.publish(ModelLoaded, turn=0, role="llm", name="test", engine="test", load_ns=0)
        await person.bench.next(ModelLoaded)
        await person.talk("question 8", "Answer 8.")
        await person.bench.next(SessionSummarised)
    assert len(writer.asked) == 2


async def test_forgetting_names_conversations_in_the_receipt_and_the_turns_in_the_order(remembering, tmp_path) -> None:
    async with remembering(turns=False, vectors=False) as person:
        await person.talk("tell me about Zanzibar and its history", "It is an island.")
        await person.talk("and what is there to eat?", "Fish.")
        erased = await person.erase("about", text="Zanzibar")
        assert [(line.store, line.count) for line in erased.removed] == [("conversations", 1)]
        order = next(event for event in person.bench.log if isinstance(event, MemoryForget))
        assert order.turns == (TurnName(session="test", turn=1),)
        assert "tell me about Zanzibar and its history" in order.texts
    assert b"anzibar" not in raw(tmp_path)


# ---- with dialogue


async def ask(bench, session: str, text: str, answer: str) -> LlmRequest:
    """Have a typed turn with the language model; returns what it was asked."""
    bench.publish(TextEntered, session=session, turn=0, text=text, speak=False)
    call = await bench.next(ToolCall)
    none = {"outcome": "unmatched", "name": "", "speech": "", "data": {}, "action": "none", "language": "en"}
    bench.publish(ToolResult, session=session, turn=call.turn, **none)
    request = await bench.next(LlmRequest)
    rest = {"finish": "stop", "tool_requests": (), "usage": NOTHING_USED, "model": "test"}
    bench.publish(LlmResponse, session=session, turn=call.turn, request=request.id, text=answer, **rest)
    await bench.next(TurnFinished)
    return request


async def test_dialogue_goes_on_with_the_history_it_had(remembering) -> None:
    dialogue = DialogueSettings(recall_ms=0)
    async with remembering(DialogueService(dialogue), vectors=False) as person:
        bench = person.bench
        bench.publish(SessionOpened, turn=0, over="text", language="en")
        await ask(bench, "test", "what is a fjord?", "A narrow inlet.")
        held = await ask(bench, "test", "and a skerry?", "A small rock.")
        await resume(person, "last", "nobody")
    async with remembering(DialogueService(dialogue), vectors=False) as person:
        bench = person.bench
        bench.publish(SessionOpened, session="later", turn=0, over="text", language="en")
        await resume(person, "last", "later")
        request = await ask(bench, "later", "thank you", "You are welcome.")
        assert request.turn == 1
        assert request.messages[:4] == held.messages
        assert [message.content for message in request.messages[4:]] == ["A small rock.", "thank you"]
