"""Export and import: what was written is taken back as it was, and a wrong line takes nothing."""

from __future__ import annotations

import pytest

from services.memory.errors import ImportRefused
from services.memory.exchange import Came, exported, imported
from services.memory.store import Store
from shared.events import PastTurn
from tests.services.memory.test_store import fact, found, turn


@pytest.fixture
def stores(tmp_path):
    pair = Store(tmp_path / "a.sqlite3"), Store(tmp_path / "b.sqlite3")
    yield pair
    for store in pair:
        store.close()


def test_an_export_is_taken_back_as_it_was_and_only_once(stores):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1"))
    old.keep(fact("my bike code is 4513", "2", at=2))
    old.keep(turn("who?\nI, “Ada” \u2028 😀", "3", session="s", turn=4))
    lines = list(exported(old))
    assert all("\n" not in line for line in lines)
    assert [imported(new, lines), imported(new, lines)] == [Came(3, 0), Came(0, 0)]
    assert list(new.everything()) == list(old.everything())
    assert found(new, "bike code") == ["my bike code is 4513"]


def test_what_is_known_better_here_stays(stores):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1", at=1))
    new.keep(fact("my bike code is 4513", "2", at=2))
    imported(new, list(exported(old)))
    assert found(new, "bike code") == ["my bike code is 4513"]


def said(turn: int, heard: str = "So.", session: str = "s1") -> PastTurn:
    return PastTurn(session=session, turn=turn, at=turn, asked=f"question {turn}", heard=heard, reason="answered")


def test_conversations_come_along_with_their_names_their_summary_and_what_their_answers_rested_on(stores):
    old, new = stores
    for number in (1, 2, 3):
        old.conversations.add(said(number), "trip", rests_on=("m-1",))
    old.conversations.add(said(4, "A line\u2028of “two”.", session="s2"), "trip")
    numbers = [exchange.number for exchange in old.conversations.unsummarised("trip")]
    old.conversations.summarise("trip", "They spoke.", numbers[1], numbers[:2])
    old.conversations.add(said(1, session="s3"), "s3")
    lines = list(exported(old))
    assert [imported(new, lines), imported(new, lines)] == [Came(0, 5), Came(0, 0)]
    assert list(exported(new)) == lines
    assert new.conversations.listed() == old.conversations.listed()


def test_a_conversation_that_went_on_in_two_places_is_told_in_its_order(stores):
    old, new = stores
    for number in (1, 3):
        old.conversations.add(said(number), "trip")
    for number in (2, 4):
        new.conversations.add(said(number, session="s2"), "trip")
    assert imported(new, exported(old)) == Came(0, 2)
    assert [exchange.turn for exchange in new.conversations.told("trip", 9)[0]] == [1, 2, 3, 4]


@pytest.mark.parametrize("line", ["{}", "not json", '{"id": 3}', "[]", '{"id":"x","what":"idea","text":"t","at":1}'])
def test_a_line_that_is_no_memory_is_named_and_nothing_is_taken(stores, line):
    old, new = stores
    old.keep(fact("my bike code is 4512", "1"))
    with pytest.raises(ImportRefused, match="Line 2"):
        imported(new, [*exported(old), line])
    assert list(new.everything()) == []
