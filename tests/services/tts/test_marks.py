"""Marks: whatever stretches an engine reports, each written word gets one mark, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.tts.marks import Marker
from services.tts.port import SpokenWord
from services.tts.speakable import Span, Speakable, speakable
from shared.events import WordMark


def marked(text: str, *words: tuple[int, int, int, int]) -> list[tuple[str, int, int]]:
    marker = Marker(speakable(text, "en"))
    marks = marker.spoken(SpokenWord(*word) for word in words) + marker.rest()
    return [(text[m.start : m.end], m.first_sample, m.until_sample) for m in marks]


def test_a_written_form_ends_with_its_last_spoken_word() -> None:
    """ "€2.50" is "two euros fifty"."""
    words = ((0, 3, 0, 90), (4, 9, 100, 190), (10, 15, 200, 290), (16, 19, 300, 390))
    assert marked("€2.50 now", *words) == [("€2.50", 0, 290), ("now", 300, 390)]


def test_words_spoken_in_one_go_share_the_stretch() -> None:
    """Neither is heard before both are."""
    assert marked("of the top", (0, 6, 0, 100), (7, 10, 100, 200)) == [
        ("of", 0, 100),
        ("the", 0, 100),
        ("top", 100, 200),
    ]


def test_a_word_spoken_in_two_goes_lasts_for_both() -> None:
    """As "mother-in-law" may be."""
    assert marked("mother-in-law", (0, 6, 0, 100), (7, 9, 110, 200), (10, 13, 210, 300)) == [("mother-in-law", 0, 300)]


def test_a_word_the_engine_passed_over_is_marked_where_it_would_be() -> None:
    """It counts as heard when the word before it was."""
    assert marked("one two three", (0, 3, 0, 100), (8, 13, 120, 200)) == [
        ("one", 0, 100),
        ("two", 100, 100),
        ("three", 120, 200),
    ]
    assert marked("one two") == [("one", 0, 0), ("two", 0, 0)]


def test_marks_come_as_soon_as_their_word_ended() -> None:
    """Not with the next one."""
    marker = Marker(speakable("one two", "en"))
    assert [m.start for m in marker.spoken([SpokenWord(0, 3, 0, 100)])] == [0]
    assert [m.start for m in marker.spoken([SpokenWord(4, 7, 100, 200)])] == [4]
    assert marker.rest() == ()


@st.composite
def spoken(draw: st.DrawFn) -> tuple[Speakable, list[SpokenWord]]:
    """Spans, and stretches in order that need not fit them."""
    cuts = sorted(draw(st.sets(st.integers(0, 60), max_size=20)))
    spans = tuple(Span(a, b, a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False))
    edges = sorted(draw(st.sets(st.integers(0, 60), max_size=20)))
    times = sorted(draw(st.lists(st.integers(0, 1000), min_size=len(edges), max_size=len(edges))))
    pairs = zip(edges[::2], edges[1::2], times[::2], times[1::2], strict=False)
    return Speakable("x" * 61, spans), [SpokenWord(*pair) for pair in pairs]


@given(spoken(), st.integers(1, 5))
def test_every_span_gets_one_mark_in_order_however_words_arrive(
    case: tuple[Speakable, list[SpokenWord]], by: int
) -> None:
    """Ends never go back, and arriving in bunches changes nothing."""
    text, words = case
    whole = Marker(text)
    expected = whole.spoken(words) + whole.rest()
    marker, marks = Marker(text), list[WordMark]()
    for i in range(0, len(words), by):
        marks += marker.spoken(words[i : i + by])
    marks += marker.rest()
    assert tuple(marks) == expected
    assert [(m.start, m.end) for m in marks] == [(s.written_start, s.written_end) for s in text.spans]
    ends = [m.until_sample for m in marks]
    assert ends == sorted(ends)
    assert all(m.first_sample <= m.until_sample for m in marks)
