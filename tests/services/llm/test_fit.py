"""Fitting a conversation into the context: whole turns go, the oldest first, and one knows how many."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.llm.fit import fit
from services.llm.port import PromptTooLong
from shared.events import Message, ToolRequest

SYSTEM = Message(role="system", content="s" * 10)


def encode(messages: Sequence[Message]) -> list[int]:
    """A token per character, which names its message."""
    return [ord(c) for m in messages for c in m.content]


def turn(letter: str, size: int, *, tool: bool = False) -> list[Message]:
    messages = [Message(role="user", content=letter * size)]
    if tool:
        request = ToolRequest(id=letter, name="t", arguments={})
        messages += [
            Message(role="assistant", content="", tool_requests=(request,)),
            Message(role="tool", name="t", content=letter * size),
        ]
    return [*messages, Message(role="assistant", content=letter * size)]


def letters(tokens: list[int]) -> str:
    return "".join(dict.fromkeys(map(chr, tokens)))


def test_what_fits_is_left_alone() -> None:
    fitted = fit([SYSTEM, *turn("a", 5)], encode, 20)
    assert (fitted.dropped_messages, len(fitted.tokens)) == (0, 20)


def test_the_oldest_turns_go_and_the_system_stays() -> None:
    fitted = fit([SYSTEM, *turn("a", 20), *turn("b", 20), *turn("c", 10)], encode, 100)
    assert letters(fitted.tokens) == "sbc"
    assert fitted.dropped_messages == 2


def test_a_tools_call_and_answer_go_with_their_turn() -> None:
    fitted = fit([SYSTEM, *turn("a", 20, tool=True), *turn("b", 10, tool=True)], encode, 60)
    assert letters(fitted.tokens) == "sb"
    assert fitted.dropped_messages == 4


def test_the_same_turns_stay_away_while_the_rest_fits() -> None:
    """Else the beginning of the prompt would change at every turn, and all of it be evaluated anew."""
    history = [SYSTEM, *turn("a", 20), *turn("b", 20), *turn("c", 10)]
    first = fit(history, encode, 100)
    second = fit([*history, *turn("d", 10)], encode, 100, first.dropped_turns)
    assert letters(second.tokens) == "sbcd"
    assert second.tokens[: len(first.tokens)] == first.tokens


def test_when_turns_must_go_a_quarter_of_the_room_becomes_free() -> None:
    history = [m for letter in "abcdefghij" for m in turn(letter, 5)]
    fitted = fit(history, encode, 99)
    assert len(fitted.tokens) <= 75


def test_a_last_turn_alone_may_fill_all_the_room() -> None:
    fitted = fit([*turn("a", 5), *turn("b", 48)], encode, 100)
    assert letters(fitted.tokens) == "b"


def test_a_last_turn_beyond_the_room_is_refused_with_both_numbers() -> None:
    with pytest.raises(PromptTooLong, match=r"110 tokens.*room for 100"):
        fit([SYSTEM, *turn("a", 1), *turn("b", 50)], encode, 100)


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=12), st.integers(70, 200), st.data())
def test_any_history_fits_or_is_refused(turns: list[tuple[int, bool]], limit: int, data: st.DataObject) -> None:
    """What is kept is the system and an unbroken run of the newest whole turns, within the limit."""
    before = data.draw(st.integers(0, 12))
    history = [SYSTEM]
    for index, (size, tool) in enumerate(turns):
        history += turn(chr(ord("A") + index), size, tool=tool)
    try:
        fitted = fit(history, encode, limit, before)
    except PromptTooLong:
        last = turn("z", turns[-1][0], tool=turns[-1][1])
        assert len(encode([SYSTEM, *last])) > limit
        return
    kept = letters(fitted.tokens)
    everything = letters(encode(history))
    assert len(fitted.tokens) <= limit
    assert kept[0] == "s"
    assert everything.endswith(kept[1:])
    assert kept[-1] == everything[-1]
    assert fitted.tokens == encode([SYSTEM, *(m for m in history if m.content and m.content[0] in kept[1:])])
