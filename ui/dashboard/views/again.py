"""A recorded session again: played as it went, run again and compared, or held under another setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from ui.dashboard.chrome import aside, notice, rows
from ui.dashboard.feed import Feed
from ui.dashboard.transcript import transcript
from ui.dashboard.view import View

__all__ = ["check", "player", "what_if"]

_TICK_S = 0.5
_SETTINGS = {
    "the usual wait after speech": ("dialogue.wait_ms", "400", "ms"),
    "the shortest wait after speech": ("dialogue.min_wait_ms", "250", "ms"),
    "the wake words, with commas between": ("wake", "hey_jarvis", ""),
    "another setting": ("", "", ""),
}


class Player:
    """Folds a session's events as far as the moment that is looked at, forwards without beginning anew."""

    def __init__(self, session: str, events: Sequence[dict[str, Any]]) -> None:
        self._session = session
        self._events = events
        self._start = int(events[0]["at"]) if events else 0
        self.length_s = (int(events[-1]["at"]) - self._start) / 1e9 if events else 0.0
        self._rewind()

    def at(self, second: float) -> View:
        """The view as it was so many seconds after the start."""
        until = self._start + round(second * 1e9)
        if self._place and int(self._events[self._place - 1]["at"]) > until:
            self._rewind()
        while self._place < len(self._events) and int(self._events[self._place]["at"]) <= until:
            self._view.fold({"event": self._events[self._place]})
            self._place += 1
        return self._view

    def _rewind(self) -> None:
        self._view, self._place = View(), 0
        self._view.fold({"hello": {"session": self._session}})


def player(id: str, events: Sequence[dict[str, Any]]) -> None:
    """Draw the session as it went: a moment that runs, or is chosen."""
    kept = st.session_state.get("player")
    if kept is None or kept[0] != id:
        kept = st.session_state["player"] = (id, Player(id, events))
        st.session_state["moment"], st.session_state["playing"] = 0.0, False
    st.fragment(_play, run_every=_TICK_S)(kept[1])


def _play(player: Player) -> None:
    length, speed = max(0.1, player.length_s), st.session_state.get("player-speed", 4)
    if st.session_state.get("playing"):
        st.session_state["moment"] = min(length, st.session_state["moment"] + _TICK_S * speed)
        st.session_state["playing"] = st.session_state["moment"] < length
    with st.container(horizontal=True, vertical_alignment="bottom"):
        going = st.session_state.get("playing", False)
        icon = ":material/pause:" if going else ":material/play_arrow:"
        st.button("Pause" if going else "Play", icon=icon, on_click=_toggle, args=(length,))
        st.selectbox("Speed", (1, 2, 4, 8, 16), index=2, key="player-speed", format_func=lambda n: f"{n} ×", width=110)
    moment = st.slider("Seconds since it began", 0.0, length, key="moment", step=0.1, format="%.1f s")
    view = player.at(moment)
    if view.turns:
        st.html(transcript(view.turns.values(), ""))
    else:
        st.caption("Nothing was said yet.")


def _toggle(length: float) -> None:
    if st.session_state.get("moment", 0.0) >= length:
        st.session_state["moment"] = 0.0
    st.session_state["playing"] = not st.session_state.get("playing")


def check(feed: Feed, id: str) -> None:
    """Draw what becomes of the session when it is run again."""
    st.html(aside("What was recorded of the person and the engines goes through the conversation's decisions again."))
    if not st.button("Run it again", icon=":material/replay:"):
        return
    told = _asked(feed, id)
    if told is None:
        return
    if told["same"]:
        words = f"{told['events']} events, the same to the byte. Their SHA-256 is {told['sha256'][:16]}…"
        st.html(notice("It comes out the same.", words, tone="good"))
    else:
        st.html(notice("It comes out otherwise.", str(told["difference"]), tone="warn"))
    for problem in told["problems"]:
        st.html(notice("Something of it cannot be read.", str(problem), tone="warn"))


def what_if(feed: Feed, id: str) -> None:
    """Draw which turns another setting had changed."""
    with st.form(f"what-if-{id}", border=False):
        chosen = st.selectbox("What if this had been different", list(_SETTINGS), key="what-if-setting")
        name, usual, unit = _SETTINGS[chosen]
        key = name or st.text_input("Setting", "dialogue.", key="what-if-key")
        value = st.text_input(f"Value, {unit}" if unit else "Value", usual, key=f"what-if-{name or 'any'}")
        pressed = st.form_submit_button("Hold it again", icon=":material/question_mark:")
    if not pressed:
        return
    told = _asked(feed, id, set=f"{key.strip()}={value.strip()}")
    if told is None:
        return
    turns = told["turns"]
    different = sum(bool(turn["different"]) for turn in turns)
    st.html(notice(f"{len(turns)} turns, {different} of them different.", "", tone="warn" if different else "good"))
    heads = ("turn", "asked", "moved, ms", "before", "with it")
    st.html(rows(heads, [_line(turn) for turn in turns], right=frozenset({0, 2})))
    for what in told["guessed"]:
        st.html(aside(f"The record does not know {what}: it is guessed."))


def _line(turn: Mapping[str, Any]) -> list[str]:
    before, now = turn["before"], turn["now"]
    one = now or before or {}
    moved = (turn["moved_ns"] or {}).get("total")
    was, is_now = ("–" if side is None else escape(str(side["heard"] or side["reason"])) for side in (before, now))
    same = not turn["different"]
    return [
        str(one.get("turn", "")),
        escape(str(one.get("asked", ""))),
        f"{moved / 1e6:+.0f}" if moved else "",
        was,
        '<span class="s-soft">the same</span>' if same else is_now,
    ]


def _asked(feed: Feed, id: str, **query: str) -> dict[str, Any] | None:
    try:
        with st.spinner("It is held again, in a process of its own …"):
            told: dict[str, Any] = feed.gateway.again(id, **query)
    except SottoError as error:
        st.html(notice("That cannot be told.", str(error), tone="warn"))
        return None
    return told
