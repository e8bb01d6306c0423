"""The form: inputs for any kind, and what was entered as the fields of a valid event."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from shared.events import EVENTS, REGISTRY, AudioVolume, Event, TextEntered, decode
from ui.dashboard.schema_form import Input, NotAValue, defaults, inputs, value_of


def form(kind: type[Event]) -> dict[str, Input]:
    return {one.name: one for one in inputs(kind.model_json_schema())}


def test_text_and_a_tick():
    """Each field by its type, the envelope left out."""
    found = form(TextEntered)
    assert [(one.name, one.shape) for one in found.values()] == [("text", "text"), ("speak", "yes-no")]
    assert (value_of(found["text"], "hello"), value_of(found["speak"], True)) == ("hello", True)


def test_choices_and_what_may_be_left_out():
    """A literal is a choice; what may be null is null when nothing was entered."""
    found = form(AudioVolume)
    assert found["change"].choices == ("louder", "quieter", "set")
    assert found["percent"].optional
    assert value_of(found["percent"], " ") is None
    assert value_of(found["percent"], "40") == 40


@pytest.mark.parametrize(("shape", "wanted"), [("whole", "a whole number"), ("number", "a number"), ("json", "JSON")])
def test_what_is_no_value_is_refused_by_name(shape: Literal["whole", "number", "json"], wanted: str):
    """The field and what it wants."""
    with pytest.raises(NotAValue, match=f"count: 'abc' is not {wanted}"):
        value_of(Input("count", shape), "abc")


@pytest.mark.parametrize("kind", [k for k in EVENTS if k.payload is None], ids=lambda kind: kind.kind)
def test_every_kind_has_a_form(kind: type[Event]):
    """Whose example, as far as its fields are plain, is an event."""
    found = inputs(kind.model_json_schema())
    assert {one.name for one in found} == kind.model_fields.keys() - Event.model_fields.keys()
    example = defaults(found)
    if any(one.shape == "json" and one.example == {} for one in found):
        return
    envelope = {"id": "a", "at": 1, "source": "s", "session": "", "turn": 0, "cause": None, "root": "a", "trace": None}
    header = {"kind": kind.kind, "version": kind.version, **envelope, **example}
    if not any("$ref" in json.dumps(part) for part in kind.model_json_schema()["properties"].values()):
        assert isinstance(decode(REGISTRY, json.dumps(header)), kind)
