"""Sessions: the recorded ones, what was said in them, their export, and how to run them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from ui.dashboard.chrome import aside, chip, moment, notice, rows, size
from ui.dashboard.feed import Feed
from ui.dashboard.gateway import Refused
from ui.dashboard.transcript import transcript
from ui.dashboard.view import View

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
    sessions = listed if isinstance(listed, list) else listed.get("sessions") or []
    if not sessions:
        st.html(notice("No session is recorded yet.", "The journal begins with the first event of a conversation."))
        return
    st.html(rows(("session", "began", "events", "size", ""), [_line(one) for one in sessions], right=frozenset({2, 3})))
    id = st.selectbox(
        "Session",
        [str(one.get("id")) for one in sessions],
        index=None,
        placeholder="Choose one to read and to export",
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
        moment(began) if isinstance(began, int) else escape(str(began or "")),
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
    view = View()
    view.fold({"hello": {"session": id}})
    for event in events:
        view.fold({"event": event})
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    st.download_button(
        "Export its events",
        lines,
        file_name=f"sotto-{id}.jsonl",
        mime="application/x-ndjson",
        icon=":material/download:",
    )
    st.html(aside(f"To run it again: `sotto replay {id}`. Its whole folder: `sotto sessions export {id}`."))
    if view.turns:
        st.html(transcript(view.turns.values(), ""))
    else:
        st.caption("Nothing was said in it.")


def _events(feed: Feed, id: str) -> Sequence[dict[str, Any]]:
    """Raises GatewayAway or Refused."""
    events: list[dict[str, Any]] = []
    while len(events) < _MOST:
        query: dict[str, str | int] = {"limit": _PAGE}
        if events:
            query["since"] = str(events[-1]["id"])
        answer = feed.gateway.ask(f"/v1/sessions/{id}/events", **query)
        piece = answer if isinstance(answer, list) else answer.get("events") or []
        events += piece
        if len(piece) < _PAGE:
            break
    return events
