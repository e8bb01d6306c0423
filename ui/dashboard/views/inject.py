"""Inject: publish any event, by a form made of its schema; and see what comes of it."""

from __future__ import annotations

import json
from html import escape

import streamlit as st
from pydantic import JsonValue

from shared.errors import SottoError
from ui.dashboard.chrome import empty, moment, notice, rows
from ui.dashboard.feed import Feed
from ui.dashboard.schema_form import Input, NotAValue, inputs, value_of
from ui.dashboard.step import Step

__all__ = ["page"]

_EXAMPLES: dict[str, tuple[str, dict[str, JsonValue]]] = {
    "ask the time": ("text.entered", {"text": "what time is it in Tokyo", "speak": False}),
    "a three second timer": ("text.entered", {"text": "set a timer for three seconds", "speak": True}),
    "forget the conversation": ("session.cleared", {}),
    "say something": (
        "tts.request",
        {"reply": "from-dashboard", "clause": 0, "text": "Hello.", "language": "en", "voice": "", "last": True},
    ),
    "a quieter voice": ("audio.volume", {"change": "quieter", "percent": None}),
}
_HISTORY = 30
_SHOWN = 60


def page(feed: Feed) -> None:
    """Draw the page."""
    st.title("Inject")
    if feed.schemas:
        _compose(feed)
    else:
        st.html(
            notice("The events are not known yet.", "The form appears once the assistant is reachable.", tone="warn")
        )
    st.subheader("What happens")
    st.fragment(_live, run_every=1)(feed)


def _compose(feed: Feed) -> None:
    examples = {name: example for name, example in _EXAMPLES.items() if example[0] in feed.schemas}
    picked = st.pills("Examples", list(examples), key="example", on_change=_take_example)
    kinds = sorted(feed.schemas)
    if st.session_state.get("kind") not in kinds:
        st.session_state["kind"] = examples[picked][0] if picked else "text.entered"
    kind = st.selectbox("Event", kinds, key="kind")
    schema = feed.schemas[kind]
    st.caption(str(schema.get("description") or "").replace("\n", " "))
    given = examples[picked][1] if picked and examples[picked][0] == kind else {}
    if schema.get("x-payload"):
        st.html(
            notice("This kind carries samples.", "They do not fit into a form: use `scripts/inject.py --audio FILE`.")
        )
        return
    with st.form(f"form-{kind}-{picked}", border=True):
        found = inputs(schema)
        entered = {
            input.name: _widget(input, given.get(input.name, input.example), f"{kind}-{picked}") for input in found
        }
        if not found:
            st.caption("It has no fields of its own.")
        if st.form_submit_button("Publish", type="primary", icon=":material/bolt:"):
            _publish(feed, kind, found, entered)
    _past()


def _take_example() -> None:
    name = st.session_state.get("example")
    if name:
        st.session_state["kind"] = _EXAMPLES[name][0]


def _widget(input: Input, value: JsonValue, form: str) -> str | bool:
    key = f"{form}-{input.name}"
    label = f"{input.name} (optional)" if input.optional or not input.required else input.name
    if input.shape == "yes-no":
        return st.checkbox(label, value=value is True, key=key, help=input.help or None)
    if input.shape == "choice" and not input.optional:
        place = input.choices.index(str(value)) if str(value) in input.choices else 0
        return str(st.selectbox(label, input.choices, index=place, key=key, help=input.help or None))
    if input.shape == "json":
        shown = "" if value is None else json.dumps(value, ensure_ascii=False)
        return st.text_area(f"{label} (JSON)", shown, key=key, help=input.help or None, height=80)
    return st.text_input(label, "" if value is None else str(value), key=key, help=input.help or None)


def _publish(feed: Feed, kind: str, found: list[Input], entered: dict[str, str | bool]) -> None:
    try:
        fields = {input.name: value_of(input, entered[input.name]) for input in found}
        with feed.view() as view:
            session = view.session
        id = feed.gateway.inject(kind, fields, session=session)
    except NotAValue as error:
        st.html(notice("That was not published.", str(error), tone="warn"))
    except SottoError as error:
        st.html(notice("That was not published.", str(error), tone="bad"))
    else:
        st.html(notice(f"Published {kind}.", f"Its id is {id}.", tone="good"))
        history = st.session_state.setdefault("history", [])
        history.insert(0, {"id": id, "kind": kind, "fields": fields})
        del history[_HISTORY:]


def _past() -> None:
    history = st.session_state.get("history", [])
    if not history:
        return
    with st.expander(f"Published from here ({len(history)})"):
        lines = [
            [
                f'<span class="s-code">{escape(one["id"][-10:])}</span>',
                escape(one["kind"]),
                f'<span class="s-code">{escape(json.dumps(one["fields"], ensure_ascii=False))}</span>',
            ]
            for one in history
        ]
        st.html(rows(("id", "event", "fields"), lines, wide=2))


def _live(feed: Feed) -> None:
    words = st.text_input("Only", placeholder="kind, source or text", key="only", label_visibility="collapsed").lower()
    with feed.view() as view:
        steps = [s for s in reversed(view.recent) if words in f"{s.kind} {s.source} {s.text}".lower()][:_SHOWN]
        lines = [_line(step) for step in steps]
    if lines:
        st.html(rows(("at", "event", "from", "turn", "what"), lines, right=frozenset({3}), wide=4))
    else:
        st.html(empty("Nothing yet.", "Events appear here as they are published."))


def _line(step: Step) -> list[str]:
    times = f" × {step.count}" if step.count > 1 else ""
    return [
        moment(step.at),
        f'<span data-event="{escape(step.id)}">{escape(step.kind)}</span>{times}',
        escape(step.source),
        str(step.turn or ""),
        f'<span class="s-soft">{escape(step.text)}</span>',
    ]
