"""What our own model learns from: conversations whose calls the skills accept, and a test set that they do not hold."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from random import Random

import pytest

from scripts.builtin.dialogues import Line, dialogue
from scripts.builtin.evaluation import SETS, offered, prompts, scrambled
from scripts.builtin.facts import FACTS
from scripts.builtin.phrases import draw, variants
from scripts.builtin.sharing import plain, shared
from scripts.builtin.slots import slot

CALL, CALLED = "<tool_call>", "</tool_call>"


def lines(count: int) -> list[tuple[Line, Line]]:
    """Each line of so many conversations, with the one before it."""
    return [pair for number in range(count) for said in [dialogue(number)] for pair in pairwise(said)]


def call(line: Line) -> dict[str, object]:
    return json.loads(line.text.removeprefix(CALL).removesuffix(CALLED))


def test_a_phrase_stands_for_many_texts() -> None:
    phrase = "(set|start) a timer [please] for {length}"
    said = {draw(phrase, Random(seed), {"length": "an hour"}) for seed in range(60)}
    assert said == {
        "set a timer for an hour",
        "start a timer for an hour",
        "set a timer please for an hour",
        "start a timer please for an hour",
    }
    assert variants(phrase) == 4


def test_a_conversation_is_always_the_same_of_its_number() -> None:
    assert [dialogue(number) for number in range(50)] == [dialogue(number) for number in range(50)]
    assert dialogue(1) != dialogue(2)


def test_every_call_names_a_tool_and_arguments_that_it_has() -> None:
    tools = {tool.name: tool.parameters for tool in offered()}
    calls = [call(line) for _, line in lines(700) if line.text.startswith(CALL)]
    unknown = [c for c in calls if set(c["arguments"]) - set(tools[c["name"]]["properties"])]  # type: ignore[index]
    assert unknown == []
    assert len({c["name"] for c in calls}) > 18


def test_what_a_call_copies_stands_in_what_was_said() -> None:
    """Every string but a word of the tool's own; the model has nothing to invent."""
    asked = [(before.text, call(line)) for before, line in lines(700) if line.text.startswith(CALL)]
    copied = [
        (said, value)
        for said, wish in asked
        for name, value in wish["arguments"].items()  # type: ignore[attr-defined]
        if name in ("place", "fact", "topic", "name")
    ]
    assert len(copied) > 100
    assert [(said, value) for said, value in copied if plain(value) not in plain(said)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_no_phrase_of_the_training_can_say_what_the_model_is_tested_with(name: str) -> None:
    assert len(prompts(name)) >= 150
    assert shared([prompt.turns[-1] for prompt in prompts(name)]) == []


def test_the_test_sets_have_no_prompt_in_common() -> None:
    sets = [{plain(prompt.turns[-1]) for prompt in prompts(name) if not prompt.result} for name in SETS]
    assert [one & other for one, other in combinations(sets, 2)] == [set()] * 10


def test_a_prompt_that_a_phrase_can_say_is_found() -> None:
    assert shared(["Could you please set a timer for twelve minutes, thanks?"])


def test_a_prompt_that_a_phrase_can_say_in_other_words_is_found() -> None:
    """Those that the training puts in the place of others."""
    assert shared(["now please arrange a timer for twelve minutes"])


def test_what_the_training_says_is_found() -> None:
    random = Random(5)
    said = [draw(phrase, random, slot(random, k="sister", v="Anna")) for phrase in FACTS["relation"]["asked"]]
    assert [text for text in said if not shared([text])] == []


def test_the_random_conversations_are_the_same_each_time_and_of_every_kind() -> None:
    assert scrambled(40) == scrambled(40)
    assert any(not turn.isascii() for turns in scrambled(40) for turn in turns)
