"""A call that comes again, because its process was killed before anybody knew that it is done, is kept once."""

from __future__ import annotations

from shared.events import MemoryStore, MemoryStored


async def test_a_fact_that_the_same_call_asks_for_again_is_kept_once(remembering):
    """The skill's second life makes a new request of the same call; it is answered alike."""
    async with remembering() as person:
        answers = []
        for text, corrects in (("my bike code is 4512", False), ("4513", True)):
            for _ in range(2):
                wish = person.bench.event(MemoryStore, text=text, corrects=corrects, language="en", turn=1)
                person.bench.bus.publish(wish.model_copy(update={"cause": f"call {text}"}))
                answers.append((await person.bench.next(MemoryStored, timeout=60)).item)
        assert [item.text for item in answers] == ["my bike code is 4512"] * 2 + ["my bike code is 4513"] * 2
        assert await person.ask("bike code", "facts") == ["my bike code is 4513"]
