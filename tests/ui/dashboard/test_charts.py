"""The plots: Vega-Lite with a unit on each axis, for any amount of data."""

from __future__ import annotations

import altair as alt
import pytest

from shared.events import TurnFinished
from tests.ui.dashboard.socket_kit import Frames
from tests.ui.dashboard.test_view import LATENCY
from ui.dashboard.charts import latency_chart, line_chart, waterfall_chart
from ui.dashboard.waterfall import Span


def turns() -> list[TurnFinished]:
    frames = Frames()
    said = {"asked": "a", "answered": "b", "heard": "b", "by": "time", "latency": LATENCY}
    for number in (1, 2):
        frames.event(TurnFinished, turn=number, reason="answered", **said)
    return [TurnFinished(**{k: v for k, v in made.items() if k not in ("kind", "version")}) for made in frames.made]


CHARTS = {
    "waterfall": waterfall_chart(
        [Span("speech", "synthesises", 1, 5, "x"), Span("dialogue", "turn.started", 0, 0, "")]
    ),
    "an empty waterfall": waterfall_chart([]),
    "latency": latency_chart(turns()),
    "one line": line_chart({"written": [(10**18, 12.0)]}, "tokens/s"),
    "several lines": line_chart({"a": [(10**18, 0.5), (10**18 + 1, 0.7)], "b": []}, "%"),
    "no line": line_chart({}, "MB"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_vega_lite(name):
    """As Altair's schema of it says."""
    alt.Chart.from_dict({"config": {}, **CHARTS[name]}, validate=True)


def test_axes_have_units():
    """Milliseconds, and what each reading is counted in."""
    assert CHARTS["latency"]["encoding"]["y"]["title"] == "latency, ms"
    assert CHARTS["one line"]["encoding"]["y"]["title"] == "tokens/s"
    assert CHARTS["waterfall"]["layer"][0]["encoding"]["x"]["title"] == "ms since the turn began"


def test_the_parts_of_a_latency_are_the_whole():
    """Every part of each turn, in ms."""
    values = CHARTS["latency"]["data"]["values"]
    assert sum(value["ms"] for value in values) == pytest.approx(2 * LATENCY.total / 1e6)
