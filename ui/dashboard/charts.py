"""The plots, with units on every axis. Altair is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ui.dashboard.transcript import PARTS
from ui.dashboard.waterfall import LANES, Span

if TYPE_CHECKING:
    import altair as alt

    from shared.events import TurnFinished

__all__ = ["latency_chart", "line_chart", "waterfall_chart"]

_COLOURS = {
    "speaks": "#7A8691",
    "listens": "#5B6CD9",
    "looks": "#C2506B",
    "reads the prompt": "#4B9F3F",
    "writes": "#0E8A7D",
    "synthesises": "#E08A1E",
    "plays": "#9B5FC0",
}


def waterfall_chart(spans: Sequence[Span]) -> alt.LayerChart | alt.FacetChart:
    """Bars for work, ticks for moments, one row a lane, time in ms from the turn's first event."""
    import altair as alt

    lanes = [lane for lane in LANES if any(span.lane == lane for span in spans)]
    row = alt.Y(
        "lane:N", sort=lanes, scale=alt.Scale(domain=lanes), title=None, axis=alt.Axis(labelLimit=120, ticks=False)
    )
    tips = [
        "lane",
        "what",
        alt.Tooltip("start:Q", title="from, ms", format=".1f"),
        alt.Tooltip("long:Q", title="lasts, ms", format=".1f"),
        "text",
    ]
    values = [
        {
            "lane": s.lane,
            "what": s.what,
            "start": s.start_ms,
            "end": s.end_ms,
            "long": s.end_ms - s.start_ms,
            "text": s.text,
        }
        for s in spans
    ]
    work = [value for value in values if value["what"] in _COLOURS]
    moments = [value for value in values if value["what"] not in _COLOURS]
    shades = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    bars = (
        _chart(work)
        .mark_bar(height=16, cornerRadius=3, minBandSize=2)
        .encode(
            y=row,
            x=alt.X("start:Q", title="ms since the turn began", axis=alt.Axis(format="~s" if _long(spans) else "d")),
            x2="end:Q",
            color=alt.Color("what:N", scale=shades, legend=None),
            tooltip=tips,
        )
    )
    ticks = _chart(moments).mark_tick(thickness=2, height=22, color="#8A949B").encode(y=row, x="start:Q", tooltip=tips)
    return alt.layer(bars, ticks).properties(height=36 * max(1, len(lanes)) + 40)


def latency_chart(turns: Sequence[TurnFinished]) -> alt.Chart:
    """The parts of the latency of the last spoken turns, stacked, in ms."""
    import altair as alt

    names = [name for name, _ in PARTS.values()]
    values = [
        {"turn": turn.turn, "part": name, "ms": getattr(turn.latency, part) / 1e6, "order": index}
        for turn in turns
        if turn.latency is not None
        for index, (part, (name, _)) in enumerate(PARTS.items())
    ]
    shades = alt.Scale(domain=names, range=[colour for _, colour in PARTS.values()])
    chart: alt.Chart = (
        _chart(values)
        .mark_bar()
        .encode(
            x=alt.X("turn:O", title="turn", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("ms:Q", title="latency, ms", stack=True),
            color=alt.Color(
                "part:N", scale=shades, sort=names, legend=alt.Legend(orient="bottom", columns=4, title=None)
            ),
            order="order:Q",
            tooltip=["turn:O", "part:N", alt.Tooltip("ms:Q", format=".1f")],
        )
        .properties(height=260)
    )
    return chart


def line_chart(lines: Mapping[str, Sequence[tuple[int, float]]], unit: str, *, floor: float | None = 0) -> alt.Chart:
    """Readings over time: each line a name with (unix ns, value)."""
    import altair as alt

    values = [{"at": at / 1e6, "value": value, "line": name} for name, points in lines.items() for at, value in points]
    legend = alt.Legend(orient="bottom", title=None, columns=3, labelLimit=220) if len(lines) > 1 else None
    chart: alt.Chart = (
        _chart(values)
        .mark_line(interpolate="linear", strokeWidth=1.8, point=len(values) < 40)
        .encode(
            x=alt.X("at:T", title=None, axis=alt.Axis(format="%H:%M:%S", labelAngle=0, tickCount=5)),
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=floor == 0)),
            color=alt.Color("line:N", legend=legend),
            tooltip=[
                "line:N",
                alt.Tooltip("at:T", title="at", format="%H:%M:%S"),
                alt.Tooltip("value:Q", title=unit, format=".4~g"),
            ],
        )
        .properties(height=220)
    )
    return chart


def _chart(values: Sequence[Mapping[str, object]]) -> alt.Chart:
    import altair as alt

    return alt.Chart(alt.Data(values=list(values)))  # type: ignore[no-untyped-call]


def _long(spans: Sequence[Span]) -> bool:
    return max((span.end_ms for span in spans), default=0) >= 10_000
