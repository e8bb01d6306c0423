"""Timeline: one turn as a waterfall over all services, with its latency, its sound, its events and their causes."""

from __future__ import annotations

from html import escape

import streamlit as st

from ui.dashboard.causes import indented
from ui.dashboard.charts import waterfall_chart
from ui.dashboard.chrome import bar, duration, facts, html, notice, rows
from ui.dashboard.feed import Feed
from ui.dashboard.step import Step
from ui.dashboard.transcript import latency_parts
from ui.dashboard.turns import Turn
from ui.dashboard.views.sound import play_back, sounded
from ui.dashboard.waterfall import waterfall

__all__ = ["page"]

_NEWEST = "the newest"


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Timeline")
    st.fragment(_chosen, run_every=1)(feed)


def _chosen(feed: Feed) -> None:
    with feed.view() as view:
        turns = {f"{turn.session}/{turn.number}": turn for turn in reversed(view.turns.values())}
        steps = {key: list(turn.steps) for key, turn in turns.items()}
    if not turns:
        st.html(notice("There is no turn to look at yet.", "Say or type something on the page Conversation."))
        return

    def label(key: str) -> str:
        turn = turns.get(key)
        return f"{turn.number} · {turn.asked or turn.partial or turn.reason}" if turn else "The newest turn, as it runs"

    key = st.selectbox("Turn", [_NEWEST, *turns], format_func=label, key="turn")
    key = next(iter(turns)) if key not in turns else key
    _turn(feed, turns[key], steps[key])


def _turn(feed: Feed, turn: Turn, steps: list[Step]) -> None:
    first = min((step.at for step in steps), default=turn.started_at)
    last = max((step.until for step in steps), default=first)
    st.html(
        facts(
            [
                ("turn", str(turn.number), turn.outcome or "goes on"),
                ("answered by", {"llm": "model", "": "–"}.get(turn.by, turn.by.replace("_", " ")), ""),
                ("whole turn", *_split(duration(last - first))),
                (
                    "to the first sound",
                    *(_split(duration(turn.latency.total)) if turn.latency else ("–", "nothing spoken")),
                ),
            ]
        )
    )
    if turn.latency is not None:
        parts = latency_parts(turn.latency)
        keys = "".join(
            f'<span class="s-key"><i style="background:{colour}"></i>{escape(name)} <b>{ms:.0f} ms</b></span>'
            for name, ms, colour in parts
        )
        st.html(html(f'{bar(parts)}<div class="s-keys">{keys}</div>'))
    st.vega_lite_chart(
        waterfall_chart(waterfall(steps)), key="waterfall", alt="The services' work in this turn over time"
    )
    _playback(feed, turn)
    _events(turn, steps)


def _events(turn: Turn, steps: list[Step]) -> None:
    st.subheader("Events and their causes")
    if turn.lost:
        st.caption(f"{turn.lost} earlier ones are kept no more.")
    lines = [
        (
            f"{(step.at - steps[0].at) / 1e6:.1f}",
            f'<span style="padding-left:{depth * 0.8}rem">{escape(step.kind)}{_times(step)}</span>',
            escape(step.source),
            f'<span class="s-soft">{escape(step.text)}</span>',
        )
        for depth, step in indented(steps)
    ]
    st.html(rows(("ms", "event", "from", "what"), lines, right=frozenset({0}), wide=3))


def _playback(feed: Feed, turn: Turn) -> None:
    if sounded(turn) and st.toggle("Play back its sound", key=f"sound-{turn.session}-{turn.number}"):
        play_back(feed, turn)


def _times(step: Step) -> str:
    return f' <span class="s-soft">× {step.count}</span>' if step.count > 1 else ""


def _split(text: str) -> tuple[str, str]:
    value, _, unit = text.partition(" ")
    return value, unit
