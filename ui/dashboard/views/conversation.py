"""Conversation: what is said, as it is said; type or speak, listen to it again, or stop the answer."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from shared.errors import SottoError
from shared.standing import Standing
from ui.dashboard.chrome import empty, notice
from ui.dashboard.feed import Feed
from ui.dashboard.transcript import transcript
from ui.dashboard.turns import Turn
from ui.dashboard.views.sound import play_back, sounded

__all__ = ["page"]

_SHOWN = 30


def page(feed: Feed) -> None:
    """Draw the page."""
    with st.container(key="talkbar"):
        _tools(feed)
    st.fragment(_turns, run_every=0.5)(feed)
    _listen(feed)
    said = st.chat_input("Say something to Sotto", key="message", accept_audio=True)
    if said is not None and said.audio is not None:
        _speak(feed, said.audio.getvalue())
    if said is not None and said.text:
        _say(feed, said.text, speak=bool(st.session_state.get("speak")))


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
        lacks = [one for one in view.services.values() if one.state == "degraded" and one.reason]
    if turns:
        st.html(body)
    else:
        _begin(feed, lacks)


def _begin(feed: Feed, lacks: Sequence[Standing]) -> None:
    """What to say first, and what this Sotto cannot do yet."""
    st.html(empty("Nothing was said yet.", "Speak, type below, or begin with one of these."))
    with st.container(horizontal=True, horizontal_alignment="center"):
        for question in _QUESTIONS:
            if st.button(question, key=f"ask-{question}"):
                _say(feed, question, speak=bool(st.session_state.get("speak")))
    for service in lacks:
        st.html(notice(f"Not complete yet: {service.name}", service.reason, tone="warn"))


_QUESTIONS = ("what time is it in Tokyo", "set a timer for one minute", "what is 15 percent of 80", "what can you do")


def _say(feed: Feed, text: str, *, speak: bool) -> None:
    with feed.view() as view:
        session = view.session
    try:
        feed.gateway.inject("text.entered", {"text": text, "speak": speak}, session=session)
    except SottoError as error:
        st.toast(str(error), icon=":material/error:")


def _speak(feed: Feed, wav: bytes) -> None:
    try:
        feed.gateway.speak(wav)
    except SottoError as error:
        st.toast(str(error), icon=":material/error:")


def _listen(feed: Feed) -> None:
    """Play back what was said and heard, turn by turn."""
    with feed.view() as view:
        turns = {f"{turn.session}/{turn.number}": turn for turn in view.turns.values() if turn.over and sounded(turn)}
    if not turns or not st.toggle(
        "Play back", key="play-back", help="What was said, and what was heard of the answer."
    ):
        return
    key = st.selectbox("Turn", [*reversed(turns)], format_func=lambda key: _label(turns.get(key)), key="heard-turn")
    if key in turns:
        play_back(feed, turns[key])


def _label(turn: Turn | None) -> str:
    return f"{turn.number} · {turn.asked or turn.reason}" if turn is not None else ""
