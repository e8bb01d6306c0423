"""Conversation: what is said, as it is said; type, or stop the answer."""

from __future__ import annotations

import streamlit as st

from shared.errors import SottoError
from ui.dashboard.chrome import empty
from ui.dashboard.feed import Feed
from ui.dashboard.transcript import transcript

__all__ = ["page"]

_SHOWN = 30


def page(feed: Feed) -> None:
    """Draw the page."""
    with st.container(key="talkbar"):
        _tools(feed)
    st.fragment(_turns, run_every=0.5)(feed)
    text = st.chat_input("Say something to Sotto", key="message")
    if text:
        _say(feed, text, speak=bool(st.session_state.get("speak")))


def _tools(feed: Feed) -> None:
    title, tools = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Conversation")
    with tools, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.toggle("Speak answers", key="speak", help="Off: answers to what you type are only shown.")
        if st.button("Stop", icon=":material/stop_circle:", help="Break off the answer (Alt+S)", shortcut="Alt+S"):
            _say(feed, "stop", speak=False)


def _turns(feed: Feed) -> None:
    with feed.view() as view:
        turns = list(view.turns.values())[-_SHOWN:]
        body = transcript(turns, view.session)
    if turns:
        st.html(body)
    else:
        st.html(empty("Nothing was said yet.", "Speak, or type below: “what time is it in Tokyo?”"))


def _say(feed: Feed, text: str, *, speak: bool) -> None:
    with feed.view() as view:
        session = view.session
    try:
        feed.gateway.inject("text.entered", {"text": text, "speak": speak}, session=session)
    except SottoError as error:
        st.toast(str(error), icon=":material/error:")
