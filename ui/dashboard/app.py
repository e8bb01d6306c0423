"""The script that Streamlit runs: one feed for all browsers, and the pages."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping

import streamlit as st

from ui.dashboard.chrome import ICON, LOGO, MENU, STYLE, Tone, chip, html, notice
from ui.dashboard.feed import Feed, State
from ui.dashboard.gateway import Gateway
from ui.dashboard.launch import KEY, URL
from ui.dashboard.views import conversation, health, inject, memory, metrics, models, sessions, timeline

_WORDS: Mapping[State, tuple[Tone, str]] = {
    "connecting": ("busy", "connecting"),
    "open": ("good", "connected"),
    "lost": ("bad", "not connected"),
}


@st.cache_resource(show_spinner=False)
def _feed() -> Feed:
    return Feed(Gateway(os.environ.get(URL, "http://127.0.0.1:8321"), os.environ.get(KEY, ""))).start()


@st.cache_resource(show_spinner=False)
def _settle(page: str) -> None:
    """Take what `page` has loaded out of the garbage collector's sight, once.

    Streamlit collects after every run of a fragment; with all libraries in sight that is nearly all that a run costs.
    """
    gc.collect()
    gc.freeze()


def _status(feed: Feed) -> None:
    with feed.view() as view:
        session, missed = view.session, view.missed
    tone, word = _WORDS[feed.state]
    more = f'<div class="s-small s-mute">session <span class="s-code">{session}</span></div>' if session else ""
    if missed:
        more += f'<div class="s-small s-mute">{missed} events were left out: too many for this window</div>'
    st.html(html(f'<span data-state="{feed.state}">{chip(word, tone)}</span>{more}'))


def _trouble(feed: Feed) -> None:
    if feed.state == "lost":
        st.html(
            notice("Sotto is not reachable.", f"{feed.problem} This page goes on by itself once it is.", tone="warn")
        )


def _page(draw: Callable[[Feed], None], feed: Feed, title: str, icon: str, path: str) -> st.Page:
    def run() -> None:
        st.fragment(_trouble, run_every=1)(feed)
        draw(feed)
        _settle(path)

    return st.Page(run, title=title, icon=f":material/{icon}:", url_path=path, default=path == "conversation")


def main() -> None:
    """Draw the page that the browser asks for."""
    st.set_page_config(page_title="Sotto", page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    st.html(MENU, unsafe_allow_javascript=True)
    st.logo(str(LOGO), size="large")
    feed = _feed()
    pages = {
        "Talk": [_page(conversation.page, feed, "Conversation", "forum", "conversation")],
        "Look": [
            _page(timeline.page, feed, "Timeline", "view_timeline", "timeline"),
            _page(health.page, feed, "Services", "lan", "services"),
            _page(metrics.page, feed, "Metrics", "monitoring", "metrics"),
        ],
        "Keep": [
            _page(models.page, feed, "Models", "deployed_code", "models"),
            _page(memory.page, feed, "Memory", "neurology", "memory"),
            _page(sessions.page, feed, "Sessions", "history", "sessions"),
        ],
        "Try": [_page(inject.page, feed, "Inject", "bolt", "inject")],
    }
    page = st.navigation(pages, expanded=True)
    with st.sidebar:
        st.fragment(_status, run_every=1)(feed)
    page.run()


main()
