"""Events that were given up, here and between processes, each with its reason and another try."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from shared.events import EventDead
from ui.dashboard.chrome import moment, notice, rows
from ui.dashboard.feed import Feed
from ui.dashboard.gateway import Refused

__all__ = ["injection", "section"]

_SHOWN = 20
_OURS = ("kind", "version", "session", "turn")
_ENVELOPE = ("id", "at", "source", "cause", "root", "trace", *_OURS)
_HEADS = ("at", "event", "by", "why")


def section(feed: Feed) -> None:
    """Draw both lists; nothing of one that is empty."""
    st.fragment(_here, run_every=2)(feed)
    st.fragment(_between, run_every=5)(feed)


def injection(header: str) -> dict[str, Any]:
    """Return what is posted to publish an event again, of the JSON it left. ValueError or TypeError for none."""
    event = dict(json.loads(header))
    kept = {name: event[name] for name in _OURS if name in event}
    return {**kept, "fields": {name: value for name, value in event.items() if name not in _ENVELOPE}}


def _here(feed: Feed) -> None:
    """Those over which a service of the assistant crashed again and again."""
    tried = st.session_state.setdefault("tried-again", set())
    with feed.view() as view:
        dead = {event.id: event for event in view.dead if event.id not in tried}
    if not dead:
        return
    st.subheader("Events that were given up")
    newest = list(reversed(dead.values()))[:_SHOWN]
    lines = [
        [moment(e.at), escape(e.event_kind), escape(e.service), escape(f"{e.error} ({e.crashes} crashes)")]
        for e in newest
    ]
    st.html(rows(_HEADS, lines, wide=3))
    names = {event.id: f"{moment(event.at)} {event.event_kind}" for event in newest}
    _another_try("here", names, lambda key: _publish(feed, dead[key]), tried.add)


def _publish(feed: Feed, event: EventDead) -> str:
    """Publish what was given up again. Raises Refused or GatewayAway."""
    try:
        again = injection(event.header)
    except (TypeError, ValueError) as error:
        raise SottoError("What was kept of it is no event.") from error
    id = feed.gateway.post("/v1/events", again)["id"]
    return f"It was published as {id}."


def _between(feed: Feed) -> None:
    """Those over which process after process ended; nothing where processes share no bus."""
    try:
        letters: Sequence[Mapping[str, Any]] = feed.gateway.ask("/v1/dead")
    except Refused as error:
        if error.status != _NO_BUS:
            st.html(notice("What was given up between processes cannot be read.", str(error), tone="warn"))
        return
    except SottoError:
        return  # the page says already that nobody is there
    if not letters:
        return
    st.subheader("Events that were given up between processes")
    newest = list(reversed(letters))[:_SHOWN]
    lines = [
        [moment(one["at"]), escape(_kind(one)), escape(str(one["to"])), escape(str(one["reason"]))] for one in newest
    ]
    st.html(rows(_HEADS, lines, wide=3))
    names = {str(one["entry"]): f"{moment(one['at'])} {_kind(one)}" for one in newest}
    _another_try("between", names, lambda entry: _send(feed, entry))


_NO_BUS = 404


def _send(feed: Feed, entry: str) -> str:
    """Raises Refused or GatewayAway."""
    return f"It was sent to {feed.gateway.post(f'/v1/dead/{entry}/retry')['to']} again."


def _kind(letter: Mapping[str, Any]) -> str:
    return str(letter["event"].get("kind") or "unreadable")


def _another_try(
    key: str,
    names: Mapping[str, str],
    send: Callable[[str], str],
    done: Callable[[str], None] = lambda _: None,
) -> None:
    """Draw the choice of one of `names`, and the button that sends it again."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Event", list(names), format_func=names.__getitem__, key=f"given-up-{key}", width=330)
        pressed = st.button("Try again", icon=":material/replay:", key=f"try-{key}", disabled=chosen is None)
    if not pressed or chosen is None:
        return
    try:
        told = send(chosen)
    except SottoError as error:
        st.html(notice("It was not sent.", str(error), tone="warn"))
    else:
        done(chosen)
        st.html(notice("It gets another try.", told, tone="good"))
