"""What was given up is published again as it was, in a new envelope."""

from __future__ import annotations

import pytest

from shared.clock import ManualClock
from shared.events import Stamp, TextEntered, encode
from shared.ids import id_source
from ui.dashboard.views.given_up import injection


def test_an_event_keeps_its_session_its_turn_and_its_fields() -> None:
    """Id, time and cause belong to its first try."""
    event = Stamp("test", ManualClock(), id_source("e-"), "s")(TextEntered, text="hello", speak=False, turn=3)
    assert injection(encode(event)[0].decode()) == {
        "kind": "text.entered",
        "version": 1,
        "session": "s",
        "turn": 3,
        "fields": {"text": "hello", "speak": False},
    }


@pytest.mark.parametrize("header", ["", "{half", "3", "null"])
def test_what_is_no_event_is_told(header: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        injection(header)
