"""The service on its bus: what it is told it keeps and finds, what was corrected or forgotten it never says again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import ClassVar

import pytest

from services.contract import Context
from shared.events import (
    Event,
    LlmRequest,
    MemoryForget,
    MemoryForgotten,
    MemoryQuery,
    MemoryResult,
    MemoryStore,
    MemoryStored,
    ServiceDegraded,
    TurnName,
)
from tests.services.memory.conftest import MINUTE, SATURDAY, Embedder, raw


async def test_a_fact_is_asked_back_by_what_it_is_about(remembering):
    async with remembering() as person:
        stored = await person.tell("that my bike code is 4512")
        assert (stored.item.key, stored.item.value) == ("bike code", "4512")
        assert await person.ask("the code of my bike", "value") == ["my bike code is 4512"]


async def test_a_newer_fact_replaces_the_older_one(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        stored = await person.tell("my bike code is 4513")
        assert stored.replaced == ("4512",)
        assert await person.ask("bike code", "facts") == ["my bike code is 4513"]


async def test_a_correction_means_the_fact_just_told(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        stored = await person.tell("4513", corrects=True)
        assert (stored.item.text, stored.replaced) == ("my bike code is 4513", ("4512",))


async def test_a_correction_without_anything_to_correct_keeps_nothing(remembering):
    async with remembering() as person:
        stored = await person.tell("4513", corrects=True)
        assert (stored.item, stored.problem) == (None, "")
        await person.tell("my bike code is 4512")
        for _ in range(3):
            await person.talk("how are you?", "Well.")
        assert (await person.tell("4513", corrects=True)).item is None


async def test_a_turn_is_kept_as_it_was_heard(remembering):
    async with remembering() as person:
        await person.talk("who painted the sunflowers?", "Vincent van Gogh did.")
        assert await person.ask("sunflowers") == ["who painted the sunflowers?\nVincent van Gogh did."]


async def test_turns_are_not_kept_when_switched_off_nor_those_that_a_skill_answered(remembering):
    async with remembering(turns=False) as person:
        await person.talk("who painted the sunflowers?", "Vincent van Gogh did.")
        assert await person.ask("sunflowers") == []
    async with remembering() as person:
        person.finish("what time is it in Arles?", "It is noon.", by="tell_time")
        assert await person.ask("Arles") == []


async def test_other_words_of_the_same_meaning_find_it(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.tell("my wife is Eva")
        found = await person.ask("bicycle combination")
        assert found[0] == "my bike code is 4512"
        assert await person.ask("bicycle combination", "answer") == ["my bike code is 4512"]


async def test_an_answer_holds_nothing_below_the_floor_nor_beyond_the_budget(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.talk("how do I oil the chain of a bike?", "Slowly. " * 50)
        assert await person.ask("what is the weather in Oslo?", "answer") == []
        assert await person.ask("my bike", "answer", tokens=20) == ["my bike code is 4512"]


async def test_an_answer_names_when_it_was_said(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        person.bench.publish(MemoryQuery, text="bike code", purpose="value")
        [item] = (await person.bench.next(MemoryResult, timeout=60)).items
        assert (item.at, item.session, item.turn) == (SATURDAY, "test", 1)
        assert item.source.startswith("test-")


async def test_the_same_event_delivered_twice_is_kept_once(remembering):
    async with remembering() as person:
        event = person.bench.publish(MemoryStore, text="We bought oat milk")
        await person.bench.next(MemoryStored, timeout=60)
        person.bench.bus.publish(event)
        await person.bench.next(MemoryStored, timeout=60)
        assert await person.ask("", "facts") == ["We bought oat milk"]


async def test_the_last_answer_rests_on_what_the_model_was_told_and_the_person_heard(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.tell("my car code is 99")
        person.bench.publish(MemoryQuery, text="code", purpose="search")
        items = (await person.bench.next(MemoryResult, timeout=60)).items
        person.turn += 1
        person.bench.publish(
            LlmRequest,
            messages=(),
            tools=(),
            max_tokens=9,
            temperature=0,
            seed=0,
            stop=(),
            recalled=items,
            turn=person.turn,
        )
        person.finish("how do I open my bike?", "Dial 4512.")
        assert await person.ask("", "told") == ["my bike code is 4512"]
        await person.talk("and the weather?", "Fine.")
        assert await person.ask("", "told") == []


class Journal:
    """A store that holds words, and says which order it was given."""

    name: ClassVar[str] = "journal"
    consumes: ClassVar[tuple[type[Event], ...]] = (MemoryForget,)

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            assert isinstance(event, MemoryForget)
            ctx.emit(
                MemoryForgotten, store="journal", removed=len(event.turns), detail="turns and their sound", ok=True
            )


async def test_forget_that_means_the_last_exchange_and_the_fact_it_told(remembering, tmp_path):
    async with remembering(Journal(), stores=("journal",)) as person:
        await person.tell("my door code is 7788")
        await person.tell("my bike code is 4512")
        await person.tell("my bike code is 4513")
        erased = await person.erase("last")
        assert [(line.store, line.count, line.ok) for line in erased.removed] == [
            ("facts", 2, True),
            ("conversations", 2, True),
            ("vectors", 2, True),
            ("journal", 2, True),
        ]
        order = next(event for event in person.bench.log if isinstance(event, MemoryForget))
        assert set(order.turns) == {TurnName(session="test", turn=2), TurnName(session="test", turn=3)}
        assert "my bike code is 4513" in order.texts
        assert await person.ask("code") == ["my door code is 7788"]
    kept = raw(tmp_path)
    assert b"7788" in kept
    assert b"4513" not in kept
    assert b"4512" not in kept
    assert b"bike" not in kept


async def test_forget_that_after_a_question_means_what_was_told_back(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.tell("my door code is 7788")
        person.turn += 1
        await person.ask("bike code", "value")
        person.finish("what is my bike code?", "Your bike code is 4512.", by="recall_fact")
        await person.erase("last")
        assert await person.ask("", "facts") == ["my door code is 7788"]


async def test_forget_the_last_minutes(remembering, tmp_path):
    async with remembering(Journal(), stores=("journal",)) as person:
        await person.tell("my door code is 7788")
        person.clock.advance(20 * MINUTE)
        await person.tell("my bike code is 4512")
        await person.talk("who painted the sunflowers?", "Vincent van Gogh did.")
        erased = await person.erase("since", since=person.clock.now_ns() - 10 * MINUTE)
        assert erased.texts == 2
        order = next(event for event in person.bench.log if isinstance(event, MemoryForget))
        assert (order.since, order.until) == (SATURDAY + 10 * MINUTE, SATURDAY + 20 * MINUTE)
        assert await person.ask("code sunflowers") == ["my door code is 7788"]
    assert not [word for word in (b"4512", b"unflower", b"Gogh") if word in raw(tmp_path)]


async def test_forget_everything_about_something(remembering, tmp_path):
    async with remembering() as person:
        await person.tell("Zelda's birthday is on May 3")
        await person.talk("what could I give to Zelda for her birthday?", "A kite.")
        await person.talk("what could I give to Tom?", "A drum.")
        erased = await person.erase("about", text="Zelda")
        assert [(line.store, line.count) for line in erased.removed] == [
            ("facts", 1),
            ("turns", 1),
            ("conversations", 2),
            ("vectors", 2),
        ]
        assert await person.ask("give birthday") == ["what could I give to Tom?\nA drum."]
    assert b"zelda" not in raw(tmp_path).lower()


async def test_forgetting_what_nobody_said_removes_nothing(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        assert (await person.erase("about", text="Zelda")).texts == 0
        assert (await person.erase("items", items=("nothing",))).texts == 0
        assert await person.ask("", "facts") == ["my bike code is 4512"]


async def test_a_store_that_does_not_answer_is_named_in_the_receipt(remembering):
    async with remembering(stores=("journal",), forget_wait_s=0.01) as person:
        await person.tell("my bike code is 4512")
        erased = await person.erase("all")
        assert erased.texts == 1
        assert [(line.store, line.ok) for line in erased.removed] == [
            ("facts", True),
            ("conversations", True),
            ("vectors", True),
            ("journal", False),
        ]


async def test_it_remembers_after_a_restart_and_finds_by_meaning_again(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
    async with remembering() as person:
        assert await person.ask("bicycle combination", "search") == ["my bike code is 4512"]


async def test_another_model_makes_all_vectors_again(remembering):
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        await person.ask("bicycle combination")
    async with remembering(embedder=Embedder("another")) as person:
        assert await person.ask("bicycle combination") == ["my bike code is 4512"]


async def test_without_vectors_words_find_it(remembering):
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
        person.bench.publish(MemoryQuery, text="which code has the bike?", purpose="answer")
        result = await person.bench.next(MemoryResult, timeout=60)
        assert ([item.value for item in result.items], result.by) == (["4512"], "words")


async def test_a_folder_of_vectors_in_use_is_said_and_words_find_it(remembering, tmp_path):
    from services.memory.engines.chroma import open_chroma

    held = await asyncio.to_thread(open_chroma, tmp_path / "memory" / "vectors")
    async with remembering() as person:
        await person.tell("my bike code is 4512")
        degraded = await person.bench.next(ServiceDegraded, timeout=60)
        assert "Another Sotto" in degraded.reason
        assert await person.ask("bike code") == ["my bike code is 4512"]
    await asyncio.to_thread(held.close)


async def test_a_watched_folder_is_kept_up_to_date_and_what_is_found_names_file_and_place(remembering, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    file = folder / "bike.md"
    file.write_text("# Locks\nThe spare key is under the mat.\n", "utf-8")
    async with remembering(vectors=False, watch=[folder]) as person:
        while not await person.ask("spare key"):
            pass
        person.bench.publish(MemoryQuery, text="where is the spare key?", purpose="answer")
        [item] = (await person.bench.next(MemoryResult, timeout=60)).items
        assert (item.what, item.source, item.place) == ("document", str(file), "Locks")
    file.write_text("# Locks\nThe spare key is in the shed.\n", "utf-8")
    async with remembering(vectors=False, watch=[folder]) as person:
        while await person.ask("spare key") != ["The spare key is in the shed."]:
            pass


async def test_a_damaged_file_is_said_and_left_alone(remembering, tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.sqlite3").write_bytes(b"no memories" * 100)
    async with remembering() as person:
        stored = await person.tell("my bike code is 4512")
        assert stored.item is None
        assert "cannot be read" in stored.problem
        person.bench.publish(MemoryQuery, text="bike code", purpose="value")
        result = await person.bench.next(MemoryResult, timeout=60)
        assert (result.items, result.problem) == ((), stored.problem)
        person.clock.advance(3600 * 10**9)
        assert (await person.tell("my bike code is 4512")).problem == stored.problem
    assert (tmp_path / "memory" / "memory.sqlite3").read_bytes() == b"no memories" * 100


async def test_a_damaged_memory_says_that_it_cannot_forget_and_the_other_stores_do(remembering, tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.sqlite3").write_bytes(b"no memories" * 100)
    async with remembering(Journal(), stores=("journal",)) as person:
        erased = await person.erase("about", text="bike code")
        assert [(line.store, line.ok) for line in erased.removed] == [("memory", False), ("journal", True)]
        assert "cannot be read" in erased.removed[0].detail
        [order] = [event for event in person.bench.log if isinstance(event, MemoryForget)]
        assert order.about == "bike code"


async def test_a_memory_damaged_while_it_runs_says_that_it_cannot_forget(remembering, tmp_path):
    async with remembering(Journal(), stores=("journal",), vectors=False) as person:
        await person.tell("my bike code is 4512")
        with contextlib.closing(sqlite3.connect(tmp_path / "memory" / "memory.sqlite3")) as file:
            file.execute("DROP TABLE items")
        for wish in ({"what": "about", "text": "bike"}, {"what": "since", "since": SATURDAY}, {"what": "all"}):
            erased = await person.erase(**wish)
            assert [(line.store, line.ok) for line in erased.removed] == [("memory", False), ("journal", True)]
        orders = [event for event in person.bench.log if isinstance(event, MemoryForget)]
        assert [(order.about, order.since, order.everything) for order in orders] == [
            ("bike", 0, False),
            ("", SATURDAY, False),
            ("", 0, True),
        ]


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "😀", "שלום", "x" * 100_000], ids=len)
async def test_any_text_is_taken(remembering, text):
    async with remembering(vectors=False) as person:
        person.bench.publish(MemoryStore, text=text)
        await person.bench.next(MemoryStored, timeout=60)
        await person.ask(text)
