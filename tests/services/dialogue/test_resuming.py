"""A conversation goes on with what was heard before, a summary stands for its oldest turns, and both are forgotten."""

from __future__ import annotations

import pytest

from services.dialogue.resuming import past_exchange
from shared.events import (
    LlmRequest,
    MemoryForget,
    MemoryForgotten,
    PastTurn,
    SessionCleared,
    SessionResumed,
    SessionSummarised,
    Summary,
    TurnName,
)
from tests.services.dialogue.test_recalling import NOTHING, answer, ask, said
from tests.services.dialogue.walk import Walk, fresh

SUMMARY = Summary(
    text="They spoke of bikes in Rome.",
    turns=tuple(TurnName(session="old", turn=turn) for turn in (1, 2)),
    since=100,
    until=200,
)


def past(turn: int, asked: str, heard: str, reason: str = "answered") -> PastTurn:
    return PastTurn(session="old", turn=turn, at=100 * turn, asked=asked, heard=heard, reason=reason)


TURNS = (past(3, "and the locks?", "Take a chain."), past(4, "and helmets?", "Red ones", reason="interrupted"))


def resumed(summary: Summary | None = SUMMARY) -> Walk:
    walk = Walk(fresh(recall_ms=0))
    walk.feed(SessionResumed, turn=0, name="trip", turns=TURNS, summary=summary, problem="")
    return walk


def told(walk: Walk) -> list[str]:
    """What the model is told when it is asked something now."""
    ask(walk, "what now?")
    messages = said(walk, LlmRequest)[-1].messages
    answer(walk, "This.")
    return [messages[0].content.rpartition("\n\n")[2], *(m.content for m in messages[1:])]


def test_the_model_is_told_what_was_heard_before_and_the_summary_of_what_was_earlier() -> None:
    assert told(resumed()) == [
        "Earlier in this conversation: They spoke of bikes in Rome.",
        "and the locks?",
        "Take a chain.",
        "and helmets?",
        "Red ones —",
        "what now?",
    ]


def test_a_turn_of_before_can_be_repeated_but_what_was_not_heard_of_it_is_gone() -> None:
    whole, cut = past_exchange(TURNS[0]), past_exchange(TURNS[1])
    assert (whole.heard(), whole.rest(), whole.complete, whole.real) == ("Take a chain.", "", True, True)
    assert (cut.heard(), cut.rest(), cut.complete) == ("Red ones", "", False)
    assert not past_exchange(past(1, "hm", "Sorry.", reason="failed")).real


def test_a_summary_takes_the_place_of_the_turns_it_stands_for() -> None:
    walk = resumed(None)
    ask(walk, "and tyres?")
    answer(walk, "Wide ones.")
    turns = (TurnName(session="old", turn=3), TurnName(session="", turn=1))
    walk.feed(SessionSummarised, turn=0, summary=SUMMARY.model_copy(update={"turns": turns}))
    assert told(walk)[1:] == ["and helmets?", "Red ones —", "what now?"]


def test_a_conversation_that_is_cleared_has_no_summary_either() -> None:
    walk = resumed()
    walk.feed(SessionCleared, turn=0)
    assert told(walk)[1:] == ["what now?"]
    assert not any("Rome" in m.content for m in said(walk, LlmRequest)[-1].messages)


@pytest.mark.parametrize(
    ("order", "summary", "turns"),
    [
        ({"everything": True}, False, 0),
        ({"turns": (TurnName(session="old", turn=2),)}, False, 2),
        ({"turns": (TurnName(session="old", turn=3),)}, True, 1),
        ({"turns": (TurnName(session="", turn=3),)}, True, 2),
        ({"since": 150, "until": 180}, False, 2),
        ({"since": 300, "until": 2**62}, True, 0),
        ({"about": "rome bikes"}, False, 2),
        ({"texts": ("spoke of bikes",)}, False, 2),
        ({"about": "chain"}, True, 1),
    ],
    ids=str,
)
def test_what_is_to_be_forgotten_of_before_is_not_told_again(order, summary, turns) -> None:
    walk = resumed()
    walk.feed(MemoryForget, turn=0, **{**NOTHING, **order})
    [forgotten] = said(walk, MemoryForgotten)
    assert forgotten.removed == 2 - turns
    assert ("summary" in forgotten.detail) is not summary
    assert (walk.state.summary is not None, len(walk.state.past)) == (summary, turns)
