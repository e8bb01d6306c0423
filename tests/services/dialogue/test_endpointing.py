"""Endpointing: how long the silence after which words must last."""

from __future__ import annotations

import pytest

from services.dialogue.endpointing import adaptive_wait
from services.dialogue.settings import DialogueSettings


@pytest.mark.parametrize(
    ("said", "ms"),
    [
        ("", 600),
        ("tell me a story", 600),
        ("set a timer for five minutes", 250),
        ("What is the capital of France?", 250),
        ("set a timer for", 1200),
        ("um", 1200),
        ("what is the weather in Paris and", 1200),
    ],
)
def test_the_wait_shrinks_after_a_whole_request_and_grows_while_the_sentence_hangs(said: str, ms: int) -> None:
    assert adaptive_wait(DialogueSettings())(said, "en") == ms


def test_the_three_waits_are_settings() -> None:
    wait = adaptive_wait(DialogueSettings(min_wait_ms=1, wait_ms=2, max_wait_ms=3))
    assert [wait(said, "en") for said in ("stop", "tell me more things", "and")] == [1, 2, 3]
