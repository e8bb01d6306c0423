"""Memory: what is remembered; search it, and have things forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st
from pydantic import JsonValue

from shared.errors import SottoError
from ui.dashboard.chrome import day, html, notice, rows
from ui.dashboard.feed import Feed

__all__ = ["found", "page"]

_HOW = "It comes with the role memory: `scripts/setup memory`, then start Sotto again."


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Memory")
    with feed.view() as view:
        there = "memory" in view.services
    if not there:
        st.html(notice("The memory service is not running.", _HOW))
        return
    text = st.text_input("Search", placeholder="what it was about; empty for all facts", key="memory-search")
    try:
        items = found(feed, text)
    except SottoError as error:
        st.html(notice("Memory cannot be asked now.", str(error), tone="warn"))
        return
    if not items and text:
        st.html(html('<div class="s-empty"><b>Nothing is remembered of that.</b>Try other words.</div>'))
        return
    if not items:
        st.html(
            html('<div class="s-empty"><b>Nothing is remembered.</b>Say “remember that my bike code is 4512”.</div>')
        )
        return
    st.html(rows(("what", "text", "said", "from"), [_line(item) for item in items], wide=1))
    _forget(feed, items)


def found(feed: Feed, text: str) -> Sequence[Mapping[str, JsonValue]]:
    """Return what is remembered of a text, or all facts. Raises GatewayAway or Refused, or a SottoError of memory's."""
    with feed.view() as view:
        session = view.session
    wanted: dict[str, JsonValue] = {"text": text, "purpose": "search" if text else "facts", "limit": 50}
    id = feed.gateway.inject("memory.query", wanted, session=session)
    answer = feed.answer(id)
    if answer is None:
        raise SottoError("The memory service does not answer.", remedy="See the page Services.")
    if answer.get("problem"):
        raise SottoError(str(answer["problem"]))
    items = answer.get("items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _line(item: Mapping[str, JsonValue]) -> list[str]:
    at = item.get("at")
    place = str(item.get("place") or item.get("speaker") or "")
    when = day(at) if isinstance(at, int) else ""
    return [escape(str(item.get("what", ""))), escape(str(item.get("text", ""))), when, escape(place)]


def _forget(feed: Feed, items: Sequence[Mapping[str, JsonValue]]) -> None:
    texts = {str(item.get("id")): str(item.get("text", "")) for item in items}
    chosen = st.multiselect("Forget", list(texts), format_func=lambda item: texts[item][:80], key="memory-forget")
    if not st.button("Forget for ever", icon=":material/delete:", disabled=not chosen):
        return
    try:
        id = feed.gateway.inject("memory.erase", {"what": "items", "items": list(chosen)})
        receipt = feed.answer(id)
    except SottoError as error:
        st.html(notice("Nothing was forgotten.", str(error), tone="warn"))
        return
    if receipt is None:
        st.html(notice("No receipt came.", "See the page Services whether memory is well.", tone="warn"))
    else:
        st.html(notice(f"{receipt.get('texts', len(chosen))} forgotten.", "", tone="good"))
