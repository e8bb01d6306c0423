"""Forgetting documents: their passages go from everywhere, the files stay, and do not come back by themselves."""

from __future__ import annotations

from shared.events import MemoryForget, MemoryQuery, MemoryResult, TurnName
from tests.services.memory.conftest import raw
from tests.services.memory.test_service import Journal

KEY = "The spare key lies under the green mat."
SECRET = "The code of the safe is 4512, and nobody knows."


async def test_what_was_recalled_from_a_forgotten_document_goes_from_other_stores_too(remembering, tmp_path):
    file = tmp_path / "notes" / "safe.md"
    file.parent.mkdir()
    file.write_text(f"# Keys\n{KEY}\n\n```\n```\n\n# Safe\n{SECRET}\n", "utf-8")
    async with remembering(Journal(), stores=("journal",), vectors=False, watch=[file.parent]) as person:
        while not await person.ask("safe"):
            pass
        person.turn += 1
        person.bench.publish(MemoryQuery, text="what is the code of the safe?", purpose="about", turn=person.turn)
        await person.bench.next(MemoryResult, timeout=60)
        person.finish("what is the code of the safe?", SECRET, by="recall")
        await person.talk("who painted the sunflowers?", "Vincent van Gogh did.")
        erased = await person.erase("documents", text=str(file))
        lines = {line.store: line for line in erased.removed}
        assert (lines["passages"].count, lines["conversations"].count, lines["journal"].count) == (2, 1, 1)
        assert "stay where they are, and are read again only when they change" in lines["passages"].detail
        order = next(event for event in person.bench.log if isinstance(event, MemoryForget))
        assert order.turns == (TurnName(session="test", turn=1),)
        assert {SECRET} <= set(order.texts)
        assert "```" not in order.texts
        assert await person.ask("sunflowers safe") == ["who painted the sunflowers?\nVincent van Gogh did."]
    assert b"4512" not in raw(tmp_path / "memory")


async def test_a_forgotten_watched_file_is_not_read_again_by_the_next_life(remembering, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text(SECRET, "utf-8")
    settings = {"vectors": False, "watch": [folder]}
    for wish in ({"what": "documents", "text": str(folder / "a.txt")}, {"what": "all"}):
        (folder / "b.txt").unlink(missing_ok=True)
        async with remembering(**settings) as person:
            while not await person.ask("safe"):
                pass
            await person.erase(**wish)
        (folder / "b.txt").write_text(KEY, "utf-8")
        async with remembering(**settings) as person:
            while not await person.ask("spare key"):
                pass
            assert await person.ask("safe") == []
        (folder / "a.txt").write_text(f"{SECRET} Still.", "utf-8")


async def test_a_document_that_is_not_kept_is_nothing_to_forget(remembering, tmp_path):
    async with remembering(vectors=False) as person:
        await person.tell("my bike code is 4512")
        erased = await person.erase("documents", text=str(tmp_path / "missing.md"))
        assert (erased.texts, erased.removed) == (0, ())
        assert await person.ask("", "facts") == ["my bike code is 4512"]
