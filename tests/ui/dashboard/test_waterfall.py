"""The waterfall: spans of work from the steps of a turn."""

from __future__ import annotations

from ui.dashboard.causes import indented
from ui.dashboard.step import Step
from ui.dashboard.waterfall import Span, waterfall

MS = 1_000_000


def step(id: str, kind: str, at: int, *, group: str = "", cause: str | None = None, until: int | None = None) -> Step:
    return Step(id, at * MS, kind, "x", "s", 1, cause, "", group, until=(at if until is None else until) * MS)


def test_each_services_work_is_a_span():
    """From the request to its own answer, however they interleave; a generation is prompt, then writing."""
    steps = [
        step("1", "turn.started", 10),
        step("2", "stt.start", 10, group="u"),
        step("3", "stt.final", 25, group="u"),
        step("4", "llm.request", 30),
        step("5", "llm.delta", 50, group="4", until=80),
        step("6", "tts.request", 60, group="r/0"),
        step("7", "tts.request", 70, group="r/1"),
        step("8", "tts.finished", 75, group="r/0"),
        step("9", "audio.played", 76, group="r/0", until=95),
        step("10", "llm.response", 81, group="4"),
        step("11", "tts.finished", 90, group="r/1"),
    ]
    spans = [(s.lane, s.what, s.start_ms, s.end_ms) for s in waterfall(steps)]
    assert spans == [
        ("recognition", "listens", 0, 15),
        ("dialogue", "turn.started", 0, 0),
        ("language model", "reads the prompt", 20, 40),
        ("language model", "writes", 40, 71),
        ("speech", "synthesises", 50, 65),
        ("speech", "synthesises", 60, 80),
        ("speaker", "plays", 66, 85),
    ]


def test_what_goes_on_lasts_until_now():
    """A request without its answer reaches to the last step; no steps give no spans."""
    steps = [step("1", "tool.call", 1), step("2", "turn.started", 4)]
    assert waterfall(steps)[0] == Span("skills", "looks", 0, 3, "")
    assert waterfall([]) == []


def test_causes_are_a_tree():
    """Each step one deeper than the event it answers, as far as that is there."""
    steps = [step("a", "x", 1, cause="elsewhere"), step("b", "x", 2, cause="a"), step("c", "x", 3, cause="b")]
    assert [(depth, one.id) for depth, one in indented(steps)] == [(0, "a"), (1, "b"), (2, "c")]
