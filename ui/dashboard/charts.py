"""The plots, as Vega-Lite specifications with units on every axis; nothing is imported to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from shared.events import TurnFinished
from ui.dashboard.transcript import PARTS
from ui.dashboard.waterfall import LANES, Span

__all__ = ["Spec", "latency_chart", "line_chart", "waterfall_chart"]

Spec = dict[str, JsonValue]

_COLOURS = {
    "speaks": "#7A8691",
    "listens": "#5B6CD9",
    "looks": "#C2506B",
    "reads the prompt": "#4B9F3F",
    "writes": "#0E8A7D",
    "synthesises": "#E08A1E",
    "plays": "#9B5FC0",
}


def waterfall_chart(spans: Sequence[Span]) -> Spec:
    """Bars for work, ticks for moments, one row a lane, time in ms from the turn's first event."""
    lanes: list[JsonValue] = [lane for lane in LANES if any(span.lane == lane for span in spans)]
    row: Spec = {
        "field": "lane",
        "type": "nominal",
        "sort": lanes,
        "scale": {"domain": lanes},
        "title": None,
        "axis": {"ticks": False, "labelLimit": 110},
    }
    tips: list[JsonValue] = [
        _text("what", "what"),
        _figure("start", "from, ms"),
        _figure("long", "lasts, ms"),
        _text("text", "with"),
    ]
    until = max((span.end_ms for span in spans), default=1.0)
    reach: Spec = {"domain": [0, max(until, 1.0)], "nice": False}
    start: Spec = {"field": "start", "type": "quantitative", "title": "ms since the turn began", "scale": reach}
    shades: Spec = {"domain": list(_COLOURS), "range": list(_COLOURS.values())}
    bars: Spec = {
        "transform": [{"filter": "datum.work"}],
        "mark": {"type": "bar", "height": 16, "cornerRadius": 3},
        "encoding": {
            "y": row,
            "x": start,
            "x2": {"field": "end"},
            "color": {"field": "what", "type": "nominal", "scale": shades, "legend": None},
            "tooltip": tips,
        },
    }
    ticks: Spec = {
        "transform": [{"filter": "!datum.work"}],
        "mark": {"type": "tick", "thickness": 2, "height": 22, "color": "#8A949B"},
        "encoding": {"y": row, "x": start, "tooltip": tips},
    }
    return {"data": {"values": [_span(span) for span in spans]}, "height": 34 * len(lanes) + 64, "layer": [bars, ticks]}


def latency_chart(turns: Sequence[TurnFinished]) -> Spec:
    """The parts of the latency of spoken turns, stacked, in ms."""
    names: list[JsonValue] = [name for name, _ in PARTS.values()]
    shades: Spec = {"domain": names, "range": [colour for _, colour in PARTS.values()]}
    legend: Spec = {"orient": "bottom", "columns": 3, "title": None}
    highest = max((turn.latency.total / 1e6 for turn in turns if turn.latency is not None), default=1.0)
    up: Spec = {"domain": [0, max(highest, 1.0) * 1.05]}
    return {
        "data": {"values": [part for place, turn in enumerate(turns) for part in _parts(turn, place)]},
        "height": 320,
        "mark": "bar",
        "encoding": {
            "x": {
                "field": "place",
                "type": "ordinal",
                "title": "spoken turns, the newest at the right",
                "axis": _PLAIN,
            },
            "y": {"field": "ms", "type": "quantitative", "title": "latency, ms", "stack": True, "scale": up},
            "color": {"field": "part", "type": "nominal", "scale": shades, "sort": names, "legend": legend},
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [_figure("turn", "turn", "d"), _text("part", "part"), _figure("ms", "ms")],
        },
    }


def line_chart(lines: Mapping[str, Sequence[tuple[int, float]]], unit: str) -> Spec:
    """Readings over time: each line a name with (unix ns, value)."""
    values: list[JsonValue] = [
        {"at": at / 1e6, "value": value, "line": name} for name, points in lines.items() for at, value in points
    ]
    legend: Spec | None = {"orient": "bottom", "title": None, "columns": 3, "labelLimit": 220}
    times = [at // 10**6 for points in lines.values() for at, _ in points] or [0]
    highest = max((value for points in lines.values() for _, value in points), default=0.0)
    # As expressions: plain numbers are not taken for times here, and put every reading at one place.
    across: Spec = {
        "domainMin": {"expr": f"toDate({min(times)})"},
        "domainMax": {"expr": f"toDate({max(times)})"},
    }
    up: Spec = {"domain": [0, highest * 1.05 if highest > 0 else 1.0], "nice": True}
    return {
        "data": {"values": values},
        "height": 220,
        "mark": {"type": "line", "strokeWidth": 1.8, "point": len(values) < 40},
        "encoding": {
            "x": {"field": "at", "type": "temporal", "title": None, "axis": _CLOCK, "scale": across},
            "y": {"field": "value", "type": "quantitative", "title": unit, "scale": up},
            "color": {"field": "line", "type": "nominal", "legend": legend if len(lines) > 1 else None},
            "tooltip": [
                _text("line", "line"),
                {"field": "at", "type": "temporal", "title": "at", "format": "%H:%M:%S"},
                _figure("value", unit, ".4~g"),
            ],
        },
    }


_CLOCK: Spec = {"format": "%H:%M:%S", "tickCount": 5}
_PLAIN: Spec = {"labels": False, "ticks": False}


def _span(span: Span) -> Spec:
    return {
        "lane": span.lane,
        "what": span.what,
        "start": span.start_ms,
        "end": span.end_ms,
        "long": span.end_ms - span.start_ms,
        "text": span.text,
        "work": span.what in _COLOURS,
    }


def _parts(turn: TurnFinished, place: int) -> list[JsonValue]:
    return [
        {
            "place": place,
            "turn": turn.turn,
            "part": name,
            "order": order,
            "ms": getattr(turn.latency, part) / 1e6 if turn.latency is not None else 0.0,
        }
        for order, (part, (name, _)) in enumerate(PARTS.items())
    ]


def _text(field: str, title: str) -> Spec:
    return {"field": field, "type": "nominal", "title": title}


def _figure(field: str, title: str, form: str = ".1f") -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "format": form}
