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
_MOST_PLOTS = 24


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Metrics")
    st.fragment(_figures, run_every=2)(feed)


def _figures(feed: Feed) -> None:
    with feed.view() as view:
        finished = [turn for turn in view.finished if turn.latency is not None]
        generations = list(view.generations)
        synthesis = list(view.synthesis)
        series = {name: list(points) for name, points in view.series.items()}
    st.subheader("Latency of spoken turns")
    if finished:
        totals = [turn.latency.total / 1e6 for turn in finished if turn.latency is not None]
        st.html(facts(_percentiles(totals, "ms")))
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
        st.html(facts(_percentiles([one.tokens_per_s for one in generations], "tokens/s", low=True)))
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


def _samples(series: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    st.subheader("Process and engines")
    if not series:
        st.html(notice("No readings came yet.", "The metrics service gives them every few seconds while Sotto runs."))
        return
    plots = [(metric, list(names)) for metric, names in groupby(sorted(series), metric_of)]
    for metric, names in plots[:_MOST_PLOTS]:
        title, unit, factor = in_unit(metric)
        lines = {
            name[len(metric) :].strip("{}") or title: [(at, v * factor) for at, v in series[name]] for name in names
        }
        st.markdown(f"**{title}**")
        st.vega_lite_chart(line_chart(lines, unit), key=f"plot-{metric}", alt=f"{title}, {unit}")


def _percentiles(values: Iterable[float], unit: str, *, low: bool = False) -> list[tuple[str, str, str]]:
    values = list(values)
    shown = (50, 10, 1) if low else (50, 95, 99)
    return [*((f"p{p}", f"{percentile(values, p):.0f}", unit) for p in shown), ("of", str(len(values)), "")]
