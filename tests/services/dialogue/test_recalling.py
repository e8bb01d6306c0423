"""Long-term memory in a conversation: asked before the model, for a bounded time, and never missed but once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.events import (
    LlmFailed,
    LlmRequest,
    LlmResponse,
    MemoryForget,
    MemoryForgotten,
    MemoryNoted,
    MemoryQuery,
    MemoryResult,
    Remembered,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    TextEntered,
    TurnName,
)
from tests.services.dialogue.walk import USAGE, Walk, fresh

FACT = Remembered(
    id="m1",
    what="fact",
    text="my bike code is 4512",
    key="bike code",
    value="4512",
    at=1_795_269_600_000_000_000,
    session="old",
    turn=3,
    speaker="",
    source="e1",
    place="",
    score=0.5,
)


def remembering(**settings: object) -> Walk:
    walk = Walk(fresh(**settings))
    walk.feed(ServiceReady, turn=0, service="memory")
    return walk


def ask(walk: Walk, text: str = "how do I open my bike?") -> None:
    walk.feed(TextEntered, turn=0, text=text, speak=False)
    walk.result("", outcome="unmatched")


def answer(walk: Walk, text: str) -> None:
    walk.request = 0
    walk.feed(
        LlmResponse,
        turn=walk.state.turn,
        request="",
        text=text,
        finish="stop",
        tool_requests=(),
        usage=USAGE,
        model="walk",
    )


def said(walk: Walk, kind: type) -> list:
    return [event for event in walk.published if isinstance(event, kind)]


def test_the_model_is_asked_with_what_memory_knows_and_the_request_names_it() -> None:
    walk = remembering()
    ask(walk)
    [query] = said(walk, MemoryQuery)
    assert (query.text, query.purpose, query.turn) == ("how do I open my bike?", "answer", 1)
    assert said(walk, LlmRequest) == []
    walk.feed(MemoryResult, turn=1, request="", items=(FACT,), by="meaning")
    [request] = said(walk, LlmRequest)
    assert request.recalled == (FACT,)
    assert "On 2026-11-21 the user said: my bike code is 4512" in request.messages[-1].content
    assert request.messages[-1].content.endswith("\n\nhow do I open my bike?")
    assert "4512" not in request.messages[0].content


def test_memory_that_is_late_is_not_waited_for_nor_listened_to() -> None:
    walk = remembering()
    ask(walk)
    walk.ring("recall")
    walk.feed(MemoryResult, turn=1, request="", items=(FACT,), by="meaning")
    [request] = said(walk, LlmRequest)
    assert request.recalled == ()
    assert request.messages[-1].content == "how do I open my bike?"


def test_what_memory_knows_leaves_no_trace_in_the_history() -> None:
    walk = remembering()
    ask(walk)
    walk.feed(MemoryResult, turn=1, request="", items=(FACT,), by="meaning")
    answer(walk, "Dial it.")
    ask(walk, "and then?")
    walk.feed(MemoryResult, turn=2, request="", items=(), by="meaning")
    assert [m.content for m in said(walk, LlmRequest)[-1].messages[1:]] == [
        "how do I open my bike?",
        "Dial it.",
        "and then?",
    ]


@pytest.mark.parametrize("settings", [{}, {"recall_ms": 0}], ids=["no memory", "not asked"])
def test_without_memory_the_model_is_asked_at_once(settings) -> None:
    walk = Walk(fresh(**settings))
    if settings:
        walk.feed(ServiceReady, turn=0, service="memory")
    ask(walk)
    answer(walk, "With a key.")
    assert said(walk, MemoryQuery) == []
    assert [event.answered for event in walk.finished()] == ["With a key."]


@pytest.mark.parametrize("kind", [ServiceCrashed, ServiceFailed])
def test_when_memory_is_lost_it_is_said_once_after_the_answer(kind) -> None:
    walk = remembering()
    more = {"handling": None} if kind is ServiceCrashed else {"restarts": 3}
    walk.feed(kind, turn=0, service="memory", error="it broke", **more)
    for text in ("With a key.", "With another."):
        ask(walk)
        answer(walk, text)
    assert [event.answered for event in walk.finished()] == [
        "With a key. By the way, I cannot reach my memory right now.",
        "With another.",
    ]


def test_memory_that_cannot_be_read_is_no_memory_and_said_once_after_the_answer() -> None:
    walk = remembering()
    for turn, text in enumerate(("With a key.", "With another."), 1):
        ask(walk)
        walk.feed(MemoryResult, turn=turn, request="", items=(), by="words", problem="It cannot be read.")
        answer(walk, text)
    assert [request.recalled for request in said(walk, LlmRequest)] == [(), ()]
    assert [event.answered for event in walk.finished()] == [
        "With a key. By the way, I cannot reach my memory right now.",
        "With another.",
    ]


def test_memory_that_can_be_read_again_takes_part_again() -> None:
    walk = remembering()
    ask(walk)
    walk.feed(MemoryResult, turn=1, request="", items=(), by="words", problem="It cannot be read.")
    answer(walk, "With a key.")
    ask(walk)
    walk.feed(MemoryResult, turn=2, request="", items=(FACT,), by="words")
    answer(walk, "Dial 4512.")
    assert said(walk, LlmRequest)[-1].recalled == (FACT,)
    assert walk.finished()[-1].answered == "Dial 4512."


def test_memory_that_is_lost_while_it_is_asked_delays_no_longer_than_it_may() -> None:
    walk = remembering()
    ask(walk)
    walk.feed(ServiceCrashed, turn=0, service="memory", error="it broke", handling=None)
    walk.ring("recall")
    answer(walk, "With a key.")
    assert walk.finished()[0].answered.startswith("With a key. By the way")


def test_memory_that_came_back_is_asked_again() -> None:
    walk = remembering()
    walk.feed(ServiceCrashed, turn=0, service="memory", error="it broke", handling=None)
    walk.feed(ServiceReady, turn=0, service="memory")
    ask(walk)
    assert len(said(walk, MemoryQuery)) == 1


NOTHING = {"turns": (), "since": 0, "until": 0, "texts": (), "about": "", "everything": False}


@pytest.mark.parametrize(
    ("order", "left"),
    [
        ({"everything": True}, []),
        ({"turns": (TurnName(session="", turn=1),)}, ["and the car?"]),
        ({"turns": (TurnName(session="another", turn=1),)}, ["how do I open my bike?", "and the car?"]),
        ({"texts": ("dial 4512",)}, ["and the car?"]),
        ({"about": "Bike open"}, ["and the car?"]),
        ({"since": 1, "until": 2**62}, []),
        ({}, ["how do I open my bike?", "and the car?"]),
    ],
    ids=str,
)
def test_what_is_to_be_forgotten_is_not_told_to_the_model_again(order, left) -> None:
    walk = remembering(recall_ms=0)
    for asked, answered in (("how do I open my bike?", "Dial 4512."), ("and the car?", "With a key.")):
        ask(walk, asked)
        answer(walk, answered)
    walk.feed(MemoryForget, turn=0, **{**NOTHING, **order})
    [forgotten] = said(walk, MemoryForgotten)
    assert (forgotten.store, forgotten.removed, forgotten.ok) == ("dialogue", 2 - len(left), True)
    ask(walk, "what now?")
    assert [m.content for m in said(walk, LlmRequest)[-1].messages if m.role == "user"] == [*left, "what now?"]


def test_what_a_document_says_is_told_with_its_file_and_place() -> None:
    walk = remembering()
    ask(walk)
    passage = {"what": "document", "text": "Dial 4512.", "source": "notes/bike.md", "place": "Locks"}
    walk.feed(MemoryResult, turn=1, request="", items=(FACT.model_copy(update=passage),), by="meaning")
    assert "- bike.md, Locks: Dial 4512." in said(walk, LlmRequest)[0].messages[-1].content


def test_the_wish_to_forget_is_no_part_of_the_history() -> None:
    walk = remembering(recall_ms=0)
    walk.state = replace(walk.state, session="s")
    walk.feed(TextEntered, turn=0, text="forget everything about Zanzibar", speak=False)
    walk.feed(MemoryForget, turn=1, **{**NOTHING, "about": "Zanzibar"})
    walk.result("Forgotten, everything about Zanzibar.")
    assert walk.finished()[0].heard == "Forgotten, everything about Zanzibar."
    ask(walk, "what now?")
    assert [m.content for m in said(walk, LlmRequest)[-1].messages[1:]] == ["what now?"]


NO_MODEL = {"request": "", "reason": "no-model", "message": "There is none."}


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ((FACT,), "I have no language model, but you told me: my bike code is 4512."),
        (
            (FACT.model_copy(update={"what": "turn", "text": "hm\nHm."}), FACT),
            "I have no language model, but you told me: my bike code is 4512.",
        ),
        (
            (
                FACT.model_copy(
                    update={"what": "document", "text": "Dial\n4512.", "source": "a/b.md", "place": "Locks"}
                ),
            ),
            "I have no language model, but in b.md, Locks it says: Dial 4512.",
        ),
    ],
    ids=["a fact", "no turn", "a passage"],
)
def test_without_a_model_the_person_hears_what_they_told_themselves(items, told) -> None:
    walk = remembering()
    ask(walk)
    walk.feed(MemoryResult, turn=1, request="", items=items, by="meaning")
    walk.request = 0
    walk.feed(LlmFailed, turn=1, **NO_MODEL)
    assert [(turn.heard, turn.reason, turn.by) for turn in walk.finished()] == [(told, "answered", "memory")]


def test_without_a_model_and_without_anything_known_the_person_hears_how_to_get_one() -> None:
    walk = remembering()
    ask(walk)
    walk.feed(MemoryResult, turn=1, request="", items=(), by="meaning")
    walk.request = 0
    walk.feed(LlmFailed, turn=1, **NO_MODEL)
    assert "sotto models pull" in walk.finished()[0].heard


def test_what_was_kept_in_passing_is_told_with_the_next_answer_and_once() -> None:
    walk = remembering(recall_ms=0)
    walk.feed(MemoryNoted, turn=0, items=(FACT,), replaced=())
    for text in ("With a key.", "With another."):
        ask(walk)
        answer(walk, text)
    assert [event.answered for event in walk.finished()] == [
        "With a key. By the way, I will remember that you said: my bike code is 4512.",
        "With another.",
    ]


def test_what_was_kept_and_forgotten_before_it_was_told_is_not_told() -> None:
    walk = remembering(recall_ms=0)
    walk.feed(MemoryNoted, turn=0, items=(FACT,), replaced=())
    walk.feed(MemoryForget, turn=0, **NOTHING)
    ask(walk)
    answer(walk, "With a key.")
    assert [event.answered for event in walk.finished()] == ["With a key."]
