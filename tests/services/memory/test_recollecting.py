"""After a restart "that" still means what was said last: it is explained, corrected and forgotten."""

from __future__ import annotations

import contextlib

import pytest

from shared.events import LlmRequest, MemoryQuery, MemoryResult, SessionResume, SessionResumed
from tests.services.memory.conftest import raw


async def resume(person, session: str) -> None:
    """Go on with the last conversation, in another session."""
    person.bench.publish(SessionResume, session=session, turn=0, name="last", begin=False)
    await person.bench.next(SessionResumed)


async def told(person, session: str) -> list[str]:
    """What "how do you know that?" is answered with."""
    person.bench.publish(MemoryQuery, session=session, text="", purpose="told", turn=1)
    return [item.text for item in (await person.bench.next(MemoryResult, timeout=60)).items]


async def asked_the_model(person, question: str, heard: str) -> None:
    """A turn in which the model answers with what memory knows."""
    person.turn += 1
    person.bench.publish(MemoryQuery, text=question, purpose="answer", turn=person.turn)
    items = (await person.bench.next(MemoryResult, timeout=60)).items
    rest = {"messages": (), "tools": (), "max_tokens": 9, "temperature": 0, "seed": 0, "stop": ()}
    person.bench.publish(LlmRequest, recalled=items, turn=person.turn, **rest)
    person.finish(question, heard)


@pytest.fixture
async def restarted(remembering):
    """A conversation that ends with an answer of the model's that rested on a fact; then the process ends."""
    async with remembering(vectors=False) as person:
        await person.tell("my door code is 7788")
        await person.tell("my bike code is 4512")
        await asked_the_model(person, "how do I open the lock of my bike code?", "With 4512.")

    @contextlib.asynccontextmanager
    async def again():
        async with remembering(vectors=False) as person:
            for _ in range(9):  # the bench counts events from one again; processes do not
                await person.ask("", "facts")
            yield person

    return again


@pytest.mark.parametrize("session", ["test", "another"], ids=["memory alone was restarted", "all of it was"])
async def test_how_it_is_known_is_said_after_a_restart(restarted, session) -> None:
    async with restarted() as person:
        assert await told(person, session) == ["my bike code is 4512"]
        person.turn = 1
        await person.talk("and the weather?", "Fine.")
        assert await told(person, session) == []


async def test_how_it_is_known_is_not_said_of_what_was_forgotten_meanwhile(restarted) -> None:
    async with restarted() as person:
        await person.erase("about", text="bike code")
        assert await told(person, "another") == ["my door code is 7788"]


async def test_there_is_nothing_to_explain_before_anything_was_said(remembering) -> None:
    async with remembering(vectors=False) as person:
        assert await told(person, "test") == []


async def test_a_conversation_that_is_gone_on_with_is_corrected_where_it_was(restarted) -> None:
    async with restarted() as person:
        await resume(person, "test")
        stored = await person.tell("4513", corrects=True)
        assert (stored.item.text, stored.replaced) == ("my bike code is 4513", ("4512",))


async def test_forget_that_reaches_back_into_the_conversation_that_is_gone_on_with(restarted, tmp_path) -> None:
    async with restarted() as person:
        await resume(person, "test")
        erased = await person.erase("last")
        assert [(line.store, line.count) for line in erased.removed] == [
            ("facts", 1),
            ("turns", 1),
            ("conversations", 2),
        ]
        assert await person.ask("", "facts") == ["my door code is 7788"]
    assert b"4512" not in raw(tmp_path)


async def test_a_new_conversation_has_nothing_to_forget_or_correct(restarted) -> None:
    async with restarted() as person:
        person.bench.publish(SessionResume, session="test", turn=0, name="fresh", begin=True)
        await person.bench.next(SessionResumed)
        assert (await person.erase("last")).texts == 0
        assert (await person.tell("4513", corrects=True)).item is None
        assert len(await person.ask("", "facts")) == 2


async def test_what_the_model_said_of_a_fact_in_other_words_goes_with_it(remembering, tmp_path) -> None:
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
        await asked_the_model(person, "how do I open the lock of my bike code?", "Dial forty-five twelve.")
    async with remembering(vectors=False) as person:
        await person.erase("about", text="bike code")
        assert await person.ask("lock") == []
    kept = raw(tmp_path)
    assert not [word for word in (b"4512", b"forty-five") if word in kept]
