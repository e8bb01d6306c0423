"""Models: which are in use, which are here, which can be had; load, unload and pull them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from shared.errors import SottoError
from shared.events import ModelLoaded
from ui.dashboard.chrome import Tone, aside, chip, duration, html, notice, rows, size
from ui.dashboard.feed import Feed

__all__ = ["page"]

_TONES: Mapping[str, Tone] = {"installed": "good", "by hand": "good", "damaged": "bad", "available": "mute"}
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
    try:
        listed = feed.gateway.ask("/v1/models")
    except SottoError as error:
        st.html(notice("The models cannot be listed now.", str(error), tone="warn"))
        return
    models = listed if isinstance(listed, list) else listed.get("models") or listed.get("data") or []
    st.subheader("On this machine, and to be had")
    _change(feed, models)
    st.html(rows(("model", "for", "size", "state"), [_line(model) for model in models], right=frozenset({2})))


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
        st.progress(min(1.0, done), text=f"{pull.name}: {size(pull.done_bytes)} of {size(pull.total_bytes)}")
    for failure in failures:
        st.html(notice(f"{failure.name or failure.role} cannot be used.", failure.message, tone="bad"))


def _card(event: ModelLoaded) -> str:
    return (
        f'<div class="s-card"><div class="s-card-head"><span>{escape(_ROLES.get(event.role, event.role))}</span>'
        f"{chip('in use', 'good')}</div><div>{escape(event.name or event.engine)}</div>"
        f'<div class="s-small s-mute">{escape(event.engine)}, loaded in {duration(event.load_ns)}</div></div>'
    )


def _line(model: Mapping[str, Any]) -> list[str]:
    state = str(model.get("state", ""))
    bytes_ = model.get("size", model.get("bytes"))
    long = size(bytes_) if isinstance(bytes_, int | float) else escape(str(bytes_ or "?"))
    role = str(model.get("role", ""))
    return [
        escape(str(model.get("name", ""))),
        escape(_ROLES.get(role, role)),
        long,
        chip(state, _TONES.get(state, "mute")),
    ]


def _change(feed: Feed, models: Sequence[Mapping[str, Any]]) -> None:
    by_name = {str(model.get("name", "")): model for model in models}
    if not by_name:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Model", list(by_name), key="model", width=330)
        kinds = {"Load": "model.load", "Unload": "model.unload", "Pull": "model.pull"}
        pressed = [kind for label, kind in kinds.items() if kind in feed.schemas and st.button(label, key=kind)]
    for kind in pressed:
        _ask(feed, kind, by_name[name])
    if "model.pull" not in feed.schemas:
        st.html(aside(f"To fetch it: `sotto models pull {name}`. It is taken over between two turns."))


def _ask(feed: Feed, kind: str, model: Mapping[str, Any]) -> None:
    given = {
        "role": str(model.get("role", "")),
        "name": str(model.get("name", "")),
        "engine": str(model.get("engine") or ""),
    }
    properties = feed.schemas[kind].get("properties")
    known = properties if isinstance(properties, dict) else {}
    try:
        feed.gateway.inject(kind, {key: value for key, value in given.items() if key in known})
    except SottoError as error:
        st.html(notice("That cannot be done.", str(error), tone="warn"))
    else:
        st.toast(f"{kind.replace('.', ': ')} {given['name']}", icon=":material/check:")
