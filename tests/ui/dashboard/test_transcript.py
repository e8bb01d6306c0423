"""The transcript: what was heard, set apart from what was only generated; and no text that becomes markup."""

from __future__ import annotations

import pytest

from ui.dashboard.percentiles import percentile
from ui.dashboard.transcript import transcript, unheard
from ui.dashboard.turns import Turn
from ui.dashboard.units import in_unit


def test_the_words_that_nobody_heard_are_struck():
    """With the blanks and line breaks of the answer as it was written."""
    assert unheard("One two\nthree four.", "One two three") == ("One two\nthree", " four.")
    assert unheard("One two.", "") == ("", "One two.")
    assert unheard("One two.", "One two.") == ("One two.", "")
    turn = Turn("s", 1, 0, asked="count", generated="One two.", heard="One", outcome="interrupted", clauses=1)
    assert '<span class="s-unheard" title="generated, but not heard"> two.</span>' in transcript([turn], "s")


def test_an_answer_that_was_only_shown_is_whole():
    """Nothing of it was to be heard."""
    turn = Turn("s", 1, 0, asked="count", generated="One two.", heard="", outcome="answered")
    assert "s-unheard" not in transcript([turn], "s")


def test_text_is_no_markup():
    """Neither what is said nor what answers."""
    turn = Turn("s", 1, 0, asked="<script>1</script>", generated="<img src=x>", by="<b>", outcome="answered")
    drawn = transcript([turn], "s")
    assert "<script>" not in drawn
    assert "<img" not in drawn
    assert "<b>" not in drawn


def test_another_run_begins_below_a_rule():
    """Turn 1 again, in another session."""
    drawn = transcript([Turn("s", 1, 0, asked="a"), Turn("t", 1, 0, asked="b")], "t")
    assert drawn.count("the assistant started again") == 1


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("process.memory.bytes", ("process memory", "MB", 1e-6)),
        ("turn_latency_seconds", ("turn latency", "s", 1.0)),
        ("llm.tokens_per_second", ("llm tokens", "tokens/s", 1.0)),
        ("tts.rtf", ("tts", "× real time", 1.0)),
        ("turns", ("turns", "count", 1.0)),
    ],
)
def test_a_metric_is_read_in_its_unit(name, read):
    """As its name ends."""
    assert in_unit(name) == read


def test_percentiles_lie_between_neighbours():
    """As numpy's do."""
    assert [percentile([4, 1, 3, 2], p) for p in (0, 50, 100)] == [1, 2.5, 4]
    assert percentile([], 50) == 0
