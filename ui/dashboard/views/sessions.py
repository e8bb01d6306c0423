"""Sessions: the recorded ones, the newest first; replay, run again, what if, and export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from ui.dashboard.chrome import aside, chip, day, notice, rows, size
from ui.dashboard.feed import UNHEARD, Feed
from ui.dashboard.gateway import Refused
from ui.dashboard.views import again

__all__ = ["page"]

_PAGE = 1000
_MOST = 20_000


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Sessions")
    try:
        listed = feed.gateway.ask("/v1/sessions")
    except Refused:
        st.html(notice("No sessions are recorded.", "The journal keeps them: `sotto --set journal.enabled=true`."))
        return
    except SottoError as error:
        st.html(notice("The sessions cannot be listed now.", str(error), tone="warn"))
        return
    sessions = list(reversed(listed if isinstance(listed, list) else listed.get("sessions") or []))
    if not sessions:
        st.html(notice("No session is recorded yet.", "The journal begins with the first event of a conversation."))
        return
    st.html(rows(("session", "began", "events", "size", ""), [_line(one) for one in sessions], right=frozenset({2, 3})))
    id = st.selectbox(
        "Session",
        [str(one.get("id")) for one in sessions],
        index=None,
        placeholder="Choose one to replay, question or export",
        key="session",
    )
    if id:
        _one(feed, id)


def _line(session: Mapping[str, Any]) -> list[str]:
    began = session.get("started_at")
    events, long = session.get("events"), session.get("bytes")
    live = session.get("live")
    return [
        f'<span class="s-code">{escape(str(session.get("id", "")))}</span>',
        day(began) if isinstance(began, int) else escape(str(began or "")),
        str(events if events is not None else "?"),
        size(long) if isinstance(long, int) else "?",
        chip("goes on", "good") if live else chip("over"),
    ]


def _one(feed: Feed, id: str) -> None:
    try:
        events = _events(feed, id)
    except SottoError as error:
        st.html(notice("This session cannot be read.", str(error), tone="warn"))
        return
    st.html(aside(f"At a terminal: `sotto replay {id}`. Its whole folder: `sotto sessions export {id} FILE.tar.gz`."))
    read, run, what, export = st.tabs(["Replay", "Run again", "What if", "Export"])
    with read:
        again.player(id, events)
    with run:
        again.check(feed, id)
    with what:
        again.what_if(feed, id)
    with export:
        _export(feed, id, events)


def _export(feed: Feed, id: str, events: Sequence[Mapping[str, Any]]) -> None:
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    st.download_button(
        "Its events",
        lines,
        file_name=f"sotto-{id}.jsonl",
        mime="application/x-ndjson",
        icon=":material/download:",
    )
    if not st.toggle("Its sound", key=f"export-sound-{id}", help="The first ten minutes, as WAV."):
        return
    for track in ("microphone", "speaker"):
        try:
            sound = feed.gateway.sound(id, track, 0, None)
        except SottoError as error:
            st.html(notice("There is no sound of it.", str(error)))
            return
        st.caption(track)
        st.audio(sound, format="audio/wav")


def _events(feed: Feed, id: str) -> Sequence[dict[str, Any]]:
    """Raises GatewayAway or Refused."""
    events: list[dict[str, Any]] = []
    while len(events) < _MOST:
        query: dict[str, str | int] = {"limit": _PAGE, "kind": ",".join(sorted(feed.schemas.keys() - UNHEARD))}
        if events:
            query["since"] = str(events[-1]["id"])
        answer = feed.gateway.ask(f"/v1/sessions/{id}/events", **query)
        piece = answer if isinstance(answer, list) else answer.get("events") or []
        events += piece
        if len(piece) < _PAGE:
            break
    return events
