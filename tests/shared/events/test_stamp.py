"""A stamp fills the envelope from an injected clock and counter, and from the event being handled."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from shared.clock import ManualClock
from shared.events import Stamp, TextEntered, current, encode
from shared.ids import id_source


def stamp() -> Stamp:
    return Stamp("ears", ManualClock(5), id_source("id-"), "s")


async def test_outside_of_handling_an_event_begins_a_chain() -> None:
    event = stamp()(TextEntered, text="", speak=False)
    assert (event.id, event.at, event.source, event.session, event.turn) == ("id-0000000001", 5, "ears", "s", 0)
    assert (event.cause, event.root, event.trace) == (None, event.id, None)


async def test_while_handling_it_goes_on_and_so_in_the_tasks_it_starts() -> None:
    stamped = stamp()
    first = stamped(TextEntered, text="", speak=False, session="other", turn=4)
    current.set(first)

    async def work() -> TextEntered:
        return stamped(TextEntered, text="", speak=False)

    second = await asyncio.create_task(work())
    assert (second.cause, second.root, second.session, second.turn) == (first.id, first.id, "other", 4)
    third = stamped(TextEntered, text="", speak=False, session="", turn=0)
    assert (third.session, third.turn, third.root) == ("", 0, first.id)


async def test_the_same_clock_ids_and_inputs_make_the_same_bytes() -> None:
    one, two = (stamp()(TextEntered, text="again", speak=False) for _ in range(2))
    assert encode(one) == encode(two)


async def test_missing_unknown_and_ill_typed_fields_are_refused() -> None:
    for fields in ({"text": "x"}, {"text": "x", "speak": True, "loud": 1}, {"text": 1, "speak": True}):
        with pytest.raises(ValidationError):
            stamp()(TextEntered, **fields)
