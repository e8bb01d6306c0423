"""Fusing what was found: meaning before words, nothing below the floor, nothing that is not live, within the budget."""

from __future__ import annotations

from services.memory.item import Item
from services.memory.recall import Floor, budgeted, fused

DAY = 86_400 * 10**9
NOW = 100 * DAY


def item(id_, text="words", what="fact", age=0):
    return Item(id=id_, what=what, text=text, at=NOW - age * DAY)


def order(asked, near, worded, items, floor=None, **more):
    found = fused(asked, near, worded, {one.id: one for one in items}, NOW, floor, **more)
    return [one.id for one in found]


def test_what_both_found_comes_first():
    a, b, c = item("a"), item("b"), item("c")
    assert order([], [("a", 0.9), ("b", 0.8)], [b, c], [a, b, c])[0] == "b"


def test_meaning_counts_more_than_words_but_spelling_does_not():
    near, worded = [("a", 0.5)], [item("b"), item("c")]
    items = [item("a", age=60), *worded]
    assert order([], near, worded, items)[0] == "a"
    assert order([], near, worded, items, by_meaning=False)[0] == "b"


def test_a_fact_comes_before_a_turn_and_the_newer_before_the_older():
    items = [item("t", what="turn"), item("old", age=300), item("new")]
    assert order([], [], items, items) == ["new", "old", "t"]


def test_what_is_not_live_any_more_is_left_out():
    assert order([], [("gone", 1.0), ("a", 0.5)], [], [item("a")]) == ["a"]


def test_below_the_floor_of_meaning_and_of_words_nothing_is_an_answer():
    floor = Floor(0.4, 0.5)
    items = [item("near", "x"), item("worded", "bike code"), item("far", "bike and more"), item("none", "y")]
    found = order(["bike", "code", "lock"], [("near", 0.4), ("far", 0.39)], items[1:], items, floor)
    assert sorted(found) == ["near", "worded"]


def test_the_budget_leaves_out_what_is_too_long_and_keeps_what_fits_after_it():
    items = [item(str(number), "x" * length).told() for number, length in enumerate((40, 400, 40, 40))]
    assert [one.id for one in budgeted(items, 5, 25)] == ["0", "2"]
    assert [one.id for one in budgeted(items, 3, 0)] == ["0", "1", "2"]
