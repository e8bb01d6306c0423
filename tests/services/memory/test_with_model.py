"""With the real engine: facts are noted by the schema's grammar, and a conversation is summed up in the background."""

from __future__ import annotations

from services.llm import LlmService
from services.llm.engines.llama import LlamaEngine
from shared.events import LlmRequest, MemoryNoted, SessionSummarised
from tests.kit import gguf_models
from tests.services.llm.conftest import SETTINGS, Folder

FACT = (
    '{"facts": [{"words": "my sister Anna moved to Lyon", "about": "my sister Anna", "says": "moved to Lyon", '
    '"replaces": 0}]}'
)


def model(tmp_path, text: str) -> LlmService:
    """A language model that answers anything with the text."""
    path = gguf_models.write_scripted(tmp_path / "scripted.gguf", (text,))
    return LlmService(SETTINGS, Folder(path), LlamaEngine())


async def test_facts_are_noted_by_the_grammar_of_the_schema(remembering, tmp_path) -> None:
    async with remembering(model(tmp_path, FACT), vectors=False) as person:
        await person.talk("by the way my sister Anna moved to Lyon", "How nice.")
        noted = await person.bench.next(MemoryNoted, timeout=60)
        assert [item.text for item in noted.items] == ["my sister Anna moved to Lyon"]


async def test_a_conversation_is_summed_up_in_the_background(remembering, tmp_path) -> None:
    text = "Each question has its answer."
    async with remembering(model(tmp_path, text), vectors=False, summarise_turns=6, keep_told_turns=2) as person:
        for turn in range(1, 7):
            await person.talk(f"question {turn}", f"Answer {turn}.")
        summarised = await person.bench.next(SessionSummarised, timeout=60)
        assert (summarised.summary.text, len(summarised.summary.turns)) == (text, 4)
        [request] = [event for event in person.bench.log if isinstance(event, LlmRequest)]
        assert request.priority == "background"
