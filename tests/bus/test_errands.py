"""Each request has one owner, and what anybody else says of it is not heard."""

from __future__ import annotations

import pytest

from bus.errands import Errands
from shared.events import LlmRequest


@pytest.fixture
def errands() -> Errands:
    return Errands()


def test_the_owner_is_heard_until_it_has_answered(errands: Errands, make) -> None:
    request = make.request()
    errands.give(request, "left")
    assert errands.heard(make.piece(request, 0), "left", "1")
    assert not errands.heard(make.piece(request, 0), "right", "1")
    assert errands.heard(make.answer(request), "left", "1")
    assert not errands.heard(make.answer(request), "left", "1")
    assert not errands.of("left")


def test_another_life_may_do_what_was_not_begun_and_not_repeat_what_was(errands: Errands, make) -> None:
    begun, waiting = make.request(), make.request()
    for request in (begun, waiting):
        errands.give(request, "left")
    assert errands.heard(make.piece(begun, 0), "left", "1")
    assert not errands.heard(make.piece(begun, 0), "left", "2")
    assert errands.heard(make.piece(waiting, 0), "left", "2")


def test_facts_are_heard_from_anybody(errands: Errands, make) -> None:
    """Whoever did it, it happened."""
    request = make.request()
    errands.give_up(errands.give(request, "left"))
    fact = make.fact().model_copy(update={"cause": request.id})
    assert errands.heard(fact, "right", "1")
    assert not errands.heard(make.answer(request), "left", "1")


def test_a_conversation_keeps_its_worker_unless_another_has_less_to_do(errands: Errands, make) -> None:
    """Where the work has no memory of its own."""
    able = ["a", "b", "c"]
    first = make.request()
    own = errands.choose(first, able)
    assert own is not None
    assert errands.choose(make.request(), able) == own
    errands.give(first, own)
    assert errands.choose(make.request(), able) != own
    errands.heard(make.answer(first), own, "1")
    assert errands.choose(make.request(), able) == own
    assert isinstance(first, LlmRequest)


def test_who_lost_a_request_does_not_get_it_again(errands: Errands, make) -> None:
    """It was told not to begin it, and would obey."""
    request = make.request()
    assert errands.give(request, "left").tries == 1
    assert errands.choose(request, ["right"]) == "right"
    assert errands.give(request, "right").tries == 2
    assert errands.choose(request, ["left"]) is None
    assert errands.choose(make.request(), ["left"]) == "left"


def test_nobody_is_chosen_among_none(errands: Errands, make) -> None:
    assert errands.choose(make.request(), []) is None
