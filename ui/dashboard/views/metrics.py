"""Metrics: how long turns take and why, how fast the engines are, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import streamlit as st

from ui.dashboard.charts import latency_chart, line_chart
from ui.dashboard.chrome import facts, notice
from ui.dashboard.feed import Feed
from ui.dashboard.percentiles import percentile
from ui.dashboard.units import in_unit, metric_of

__all__ = ["page"]

_LAST = 30
_MOST_LINES = 9
_SHORTER_MS = 100
_FIRST = (
    "process.cpu_ratio",
    "process.memory_bytes",
    "thread.cpu_ratio",
    "gpu.busy_ratio",
    "gpu.memory_bytes",
    "bus.events_per_second",
)
"""Metrics that are shown unasked."""

Readings = Sequence[tuple[int, float]]
"""(unix ns, value), oldest first."""


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Metrics")
    st.fragment(_figures, run_every=3)(feed)


def _figures(feed: Feed) -> None:
    with feed.view() as view:
        finished = [turn for turn in view.finished if turn.latency is not None]
        generations = list(view.generations)
        synthesis = list(view.synthesis)
        series = {name: list(points) for name, points in view.series.items()}
    st.subheader("Latency of spoken turns")
    if finished:
        totals = [turn.latency.total / 1e6 for turn in finished if turn.latency is not None]
        waits = [min(_SHORTER_MS, turn.latency.endpoint_wait / 1e6) for turn in finished if turn.latency is not None]
        saved = ("with a 100 ms shorter wait", f"−{percentile(waits, 50):.0f}", "ms")
        st.html(facts([*_percentiles(totals, "ms", "turns"), saved]))
        st.vega_lite_chart(
            latency_chart(finished[-_LAST:]), key="latency", alt="Latency of the last turns by part, in ms"
        )
    else:
        st.html(
            notice(
                "No turn was spoken yet.", "Latency is counted from the last sound you make to the first of the answer."
            )
        )
    if generations:
        st.subheader("Language model")
        st.html(facts(_percentiles([one.tokens_per_s for one in generations], "tokens/s", "answers", low=True)))
        speed = {"written": [(one.at, one.tokens_per_s) for one in generations]}
        st.vega_lite_chart(line_chart(speed, "tokens/s"), key="tokens", alt="Tokens per second")
        st.vega_lite_chart(
            line_chart({"prompt": [(g.at, g.prefill_ms) for g in generations]}, "prompt, ms"),
            key="prefill",
            alt="Prompt, ms",
        )
    if synthesis:
        st.subheader("Speech")
        st.html(facts([("real-time factor, p50", f"{percentile([v for _, v in synthesis], 50):.3f}", "× real time")]))
        st.vega_lite_chart(
            line_chart({"synthesis": synthesis}, "time to make / time to play"), key="rtf", alt="Real-time factor"
        )
    _samples(series)


def _samples(series: Mapping[str, Readings]) -> None:
    st.subheader("Process and engines")
    if not series:
        st.html(notice("No readings came yet.", "The metrics service gives them every few seconds while Sotto runs."))
        return
    by_metric = {metric: list(names) for metric, names in groupby(sorted(series), metric_of)}
    first = [metric for metric in _FIRST if metric in by_metric]
    for metric in first:
        _plot(metric, {name: series[name] for name in by_metric[metric]})
    others = [metric for metric in by_metric if metric not in first]
    chosen = st.selectbox("Another reading", others, index=None, placeholder="Choose one", key="reading")
    if chosen is not None:
        _plot(chosen, {name: series[name] for name in by_metric[chosen]})


def _plot(metric: str, series: Mapping[str, Readings]) -> None:
    title, unit, factor = in_unit(metric)
    busiest = sorted(series, key=lambda name: series[name][-1][1], reverse=True)[:_MOST_LINES]
    lines = {_label(name) or title: [(at, value * factor) for at, value in series[name]] for name in busiest}
    st.markdown(f"**{title}**")
    st.vega_lite_chart(line_chart(lines, unit), key=f"plot-{metric}", alt=f"{title}, {unit}")


def _label(name: str) -> str:
    """The labels' values alone."""
    labels = name.partition("{")[2].rstrip("}")
    return ", ".join(label.partition("=")[2] for label in labels.split(",")) if labels else ""


def _percentiles(values: Iterable[float], unit: str, what: str, *, low: bool = False) -> list[tuple[str, str, str]]:
    values = list(values)
    shown = (50, 10, 1) if low else (50, 95, 99)
    return [*((f"p{p}", f"{percentile(values, p):.0f}", unit) for p in shown), ("of the last", str(len(values)), what)]
