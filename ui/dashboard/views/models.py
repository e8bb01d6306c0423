"""Models: which are in use, which are here, which can be had; load, unload and pull them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from shared.events import ModelLoaded
from ui.dashboard.chrome import Tone, chip, duration, html, notice, rows, size
from ui.dashboard.feed import Feed

__all__ = ["page"]

_TONES: Mapping[str, Tone] = {
    "in use": "good",
    "installed": "good",
    "by hand": "good",
    "damaged": "bad",
    "available": "mute",
}
_ROLES = {
    "vad": "voice activity",
    "wake": "wake word",
    "stt": "speech to text",
    "llm": "language model",
    "tts": "text to speech",
    "embedding": "embeddings",
    "rerank": "ranking",
}


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Models")
    st.fragment(_in_use, run_every=1)(feed)
    st.subheader("On this machine, and to be had")
    st.fragment(_change)(feed)
    st.fragment(_listed, run_every=3)(feed)


def _models(feed: Feed, *, tell: bool = False) -> Sequence[Mapping[str, Any]]:
    """Those here and those to be had; none where they cannot be listed, and then `tell` why."""
    try:
        models: Sequence[Mapping[str, Any]] = feed.gateway.ask("/v1/models")
    except SottoError as error:
        if tell:
            st.html(notice("The models cannot be listed now.", str(error), tone="warn"))
        return ()
    return models


def _listed(feed: Feed) -> None:
    with feed.view() as view:
        used = {event.name for event in view.models.values()}
    lines = [_line(model, used) for model in _models(feed, tell=True)]
    if lines:
        st.html(rows(("model", "for", "size", "state"), lines, right=frozenset({2})))


def _in_use(feed: Feed) -> None:
    with feed.view() as view:
        loaded = sorted(view.models.values(), key=lambda event: event.role)
        pulls = list(view.pulls.values())
        failures = list(view.model_failures)[-3:]
    if loaded:
        st.html(html(f'<div class="s-cards">{"".join(_card(event) for event in loaded)}</div>'))
    else:
        st.html(
            notice(
                "No model is in use.", "Skills answer without one; `sotto models pull` fetches what suits this machine."
            )
        )
    for pull in pulls:
        done = pull.done_bytes / max(1, pull.total_bytes)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(1.0, done), text=f"{pull.name}: {size(pull.done_bytes)} of {size(pull.total_bytes)}")
            if st.button("Stop", icon=":material/close:", key=f"stop-{pull.name}", help="What came is kept."):
                _ask(feed, "model.cancel", {"name": pull.name})
    for failure in failures:
        st.html(notice(f"{failure.name or failure.role} cannot be used.", failure.message, tone="bad"))


def _card(event: ModelLoaded) -> str:
    return (
        f'<div class="s-card"><div class="s-card-head"><span>{escape(_ROLES.get(event.role, event.role))}</span>'
        f"{chip('in use', 'good')}</div><div>{escape(event.name or event.engine)}</div>"
        f'<div class="s-small s-mute">{escape(event.engine)}, loaded in {duration(event.load_ns)}</div></div>'
    )


def _line(model: Mapping[str, Any], used: Container[str]) -> list[str]:
    name, role = str(model.get("name", "")), str(model.get("role", ""))
    state = "in use" if name in used else str(model.get("state", ""))
    bytes_ = model.get("size")
    return [
        escape(name),
        escape(_ROLES.get(role, role)),
        size(bytes_) if isinstance(bytes_, int | float) else "not stated",
        chip(state, _TONES.get(state, "mute")),
    ]


def _change(feed: Feed) -> None:
    """Not drawn again by itself: a list that is open would close."""
    by_name = {str(model.get("name", "")): model for model in _models(feed)}
    if not by_name:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Model", list(by_name), key="model", width=330)
        with feed.view() as view:
            used = any(event.name == name for event in view.models.values())
        wishes = _WISHES["in use" if used else str(by_name[name].get("state"))]
        pressed = [kind for label, kind in wishes if st.button(label, key=kind)]
    for kind in pressed:
        _ask(feed, kind, by_name[name])


_LOAD, _UNLOAD, _PULL = ("Load", "model.load"), ("Unload", "model.unload"), ("Pull", "model.pull")
_WISHES: Mapping[str, tuple[tuple[str, str], ...]] = defaultdict(
    lambda: (_LOAD,), {"in use": (_UNLOAD,), "available": (_PULL,), "damaged": (_PULL,)}
)
"""What can be done with a model, by its state."""


def _ask(feed: Feed, kind: str, model: Mapping[str, Any]) -> None:
    given = {
        "role": str(model.get("role", "")),
        "name": str(model.get("name", "")),
        "engine": str(model.get("engine") or ""),
    }
    properties = feed.schemas.get(kind, {}).get("properties")
    known = properties if isinstance(properties, dict) else {}
    try:
        feed.gateway.inject(kind, {key: value for key, value in given.items() if key in known})
    except SottoError as error:
        st.html(notice("That cannot be done.", str(error), tone="warn"))
    else:
        st.toast(f"{kind.replace('.', ': ')} {given['name']}", icon=":material/check:")
