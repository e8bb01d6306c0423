"""The heard-text ledger: the words that were played, no more and no fewer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dialogue.ledger import Ledger
from shared.events import WordMark

RATE = 22_050


@dataclass(frozen=True)
class Spoken:
    """A clause, the samples of its words, and how many samples it has."""

    text: str
    marks: tuple[WordMark, ...]
    samples: int


WORDS = st.sampled_from(["one", "€12.50", "it's", "(so)", "well,", "end.", '"yes"', "x", "10:30", "Ähre"])


@st.composite
def clauses(draw: st.DrawFn) -> list[Spoken]:
    """A few clauses whose words take some samples each, with silence before, between and after."""
    spoken = []
    for _ in range(draw(st.integers(1, 4))):
        text, marks, at = draw(st.sampled_from(["", " ", "- "])), [], 0
        for word in draw(st.lists(WORDS, min_size=1, max_size=6)):
            at += draw(st.integers(0, 300))
            length = draw(st.integers(1, 900))
            marks.append(
                WordMark(start=len(text), end=len(text) + len(word), first_sample=at, until_sample=at + length)
            )
            text, at = text + word + " ", at + length
        spoken.append(Spoken(text, tuple(marks), at + draw(st.integers(0, 300))))
    return spoken


def truth(spoken: list[Spoken], position: int) -> list[str]:
    """The written words whose last sample is within the first `position` samples of all clauses."""
    words, before = [], 0
    for clause in spoken:
        words += [clause.text[m.start : m.end] for m in clause.marks if before + m.until_sample <= position]
        before += clause.samples
    return words


def reports(spoken: list[Spoken], positions: list[int]) -> list[tuple[int, int, bool]]:
    """What a speaker says when it is at each of these positions: (clause, samples of it, ended)."""
    told = []
    for position in positions:
        left = position
        for index, clause in enumerate(spoken):
            if left > 0:
                told.append((index, min(left, clause.samples), left >= clause.samples))
            left -= clause.samples
    return told


@settings(deadline=None)
@given(
    clauses(), st.integers(0, 12_000), st.lists(st.integers(0, 12_000), max_size=8), st.randoms(use_true_random=False)
)
def test_exactly_the_played_words_are_heard_whenever_it_stops_and_however_reports_arrive(
    spoken: list[Spoken], stop: int, before: list[int], chance: random.Random
) -> None:
    ledger = Ledger()
    for index, clause in enumerate(spoken):
        ledger = ledger.sent("r", index, clause.text)
    told = [("played", *r) for r in reports(spoken, [min(p, stop) for p in before] + [stop])]
    told += [("marked", i, mark) for i, clause in enumerate(spoken) for mark in clause.marks]
    told += chance.sample(told, k=min(3, len(told)))
    chance.shuffle(told)
    for what, index, *rest in told:
        if what == "marked":
            ledger = ledger.marked("r", index, RATE, (rest[0],))
        else:
            ledger = ledger.played("r", index, rest[0], RATE, ended=rest[1])
    assert [word for word in ledger.heard().split() if word != "-"] == truth(spoken, stop)


@settings(deadline=None)
@given(clauses(), st.integers(0, 12_000))
def test_what_was_heard_is_a_beginning_of_what_was_written(spoken: list[Spoken], stop: int) -> None:
    ledger = _told(spoken, stop)
    text = "".join(clause.text for clause in spoken)
    assert text.strip().startswith(ledger.heard())
    assert text[: ledger.heard_chars()].strip() == ledger.heard()


@settings(deadline=None)
@given(clauses(), st.integers(1, 12_000))
def test_a_resumed_answer_begins_with_the_word_that_was_cut_and_skips_nothing(spoken: list[Spoken], stop: int) -> None:
    clause, sample = _told(spoken, stop).place("r")
    position = sum(c.samples for c in spoken[:clause]) + sample
    assert position <= stop
    assert truth(spoken, position) == truth(spoken, stop)


def test_a_written_form_is_heard_when_its_last_spoken_word_was() -> None:
    ledger = Ledger().sent("r", 0, "It is €12.50, yes.")
    marks = (
        WordMark(start=0, end=2, first_sample=0, until_sample=100),
        WordMark(start=3, end=5, first_sample=100, until_sample=200),
        WordMark(start=6, end=12, first_sample=200, until_sample=900),
        WordMark(start=14, end=17, first_sample=950, until_sample=1100),
    )
    ledger = ledger.marked("r", 0, RATE, marks)
    assert ledger.played("r", 0, 899, RATE, ended=False).heard() == "It is"
    assert ledger.played("r", 0, 900, RATE, ended=False).heard() == "It is €12.50,"


def test_a_report_in_another_rate_counts_the_same_time() -> None:
    ledger = Ledger().sent("r", 0, "Hello there.")
    ledger = ledger.marked("r", 0, 16_000, (WordMark(start=0, end=5, first_sample=0, until_sample=16_000),))
    assert ledger.played("r", 0, 47_999, 48_000, ended=False).heard() == ""
    assert ledger.played("r", 0, 48_000, 48_000, ended=False).heard() == "Hello"


def test_a_clause_that_began_tells_that_the_one_before_it_ended() -> None:
    ledger = Ledger().sent("r", 0, "One, ").sent("r", 1, "two.")
    assert ledger.played("r", 1, 10, RATE, ended=False).heard() == "One,"


def test_a_clause_that_broke_off_is_heard_by_its_marks_alone() -> None:
    ledger = Ledger().sent("r", 0, "One two.")
    ledger = ledger.marked("r", 0, RATE, (WordMark(start=0, end=3, first_sample=0, until_sample=50),)).broke("r", 0)
    assert ledger.played("r", 0, 60, RATE, ended=True).heard() == "One"


def test_reports_about_another_reply_change_nothing() -> None:
    ledger = Ledger().sent("r", 0, "One.")
    assert ledger.played("other", 0, 10, RATE, ended=True) == ledger


def _told(spoken: list[Spoken], stop: int) -> Ledger:
    ledger = Ledger()
    for index, clause in enumerate(spoken):
        ledger = ledger.sent("r", index, clause.text).marked("r", index, RATE, clause.marks)
    for index, until, ended in reports(spoken, [stop]):
        ledger = ledger.played("r", index, until, RATE, ended=ended)
    return ledger
