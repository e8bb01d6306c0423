"""The first start at a terminal: the default set is offered once, and pulled while one talks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.models import Catalogue, Entry, detect
from tests.kit.hub import Hub, serving
from tests.kit.screen import Screen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

OFFER = "Pull them now"
READY = "Type, and press Return"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub on loopback that has, under the names of the default set, other bytes than the real one."""
    with serving() as hub:
        for entry in default_set():
            for file in entry.files:
                hub.files[f"{entry.repository}/{file.path}"] = b"not the real one " * 100
        yield hub


def default_set() -> list[Entry]:
    """The committed catalogue's choice for this machine."""
    return list(Catalogue().defaults(detect().kind, "en"))


def start(home: Path, hub: Hub) -> Screen:
    return Screen(home, "--text", env=os.environ | {"HF_ENDPOINT": hub.endpoint})


def test_the_default_set_is_offered_with_sizes_and_a_no_is_remembered(tmp_path: Path, hub: Hub) -> None:
    """The second start begins to talk at once, and nothing was fetched."""
    with start(tmp_path, hub) as screen:
        offer = screen.shows(OFFER)
        for entry in default_set():
            line = next(line for line in offer.splitlines() if entry.name in line)
            assert entry.licence in line
            assert "GB" in line or "MB" in line
        screen.press("n\n")
        screen.shows("sotto models pull")
        screen.shows(READY)
        screen.press("what is 17 times 23\n")
        screen.shows("17 times 23 is 391.")
        assert screen.leave() == 0
    with start(tmp_path, hub) as screen:
        screen.shows(READY)
        screen.press("what is 6 times 7\n")
        assert OFFER not in screen.shows("6 times 7 is 42.")
        assert screen.leave() == 0
        assert OFFER not in screen.text
    assert not hub.seen


def test_a_yes_pulls_beside_the_conversation_and_refuses_what_is_not_the_catalogues(tmp_path: Path, hub: Hub) -> None:
    """The hub's bytes are others than the catalogue's: each model is refused with both values, the talk goes on."""
    with start(tmp_path, hub) as screen:
        screen.shows(OFFER)
        screen.press("y\n")
        screen.shows(READY)
        screen.press("what is 17 times 23\n")
        for _ in default_set():
            screen.shows("Not downloaded.")
        if "17 times 23 is 391." not in screen.text:  # the hub answers sooner or later than a skill
            screen.shows("17 times 23 is 391.")
        screen.press("what is 6 times 7\n")
        screen.shows("6 times 7 is 42.")
        assert screen.leave() == 0
        shown = " ".join(screen.text.split())
    for entry in default_set():
        file = entry.files[0]
        assert f"{entry.name}/{file.name}: the catalogue says {file.bytes} bytes" in shown
        assert f"/{entry.repository}/resolve/{entry.revision}/{file.path} says 1700 bytes" in shown
    assert {request.method for request in hub.seen} == {"HEAD"}
    assert "Traceback" not in shown


def test_without_a_hub_nothing_is_offered_and_the_next_start_asks_again(tmp_path: Path, hub: Hub) -> None:
    """Somebody who is offline today has not said no."""
    with Screen(tmp_path, "--text") as screen:
        assert OFFER not in screen.shows(READY)
    with start(tmp_path, hub) as screen:
        screen.shows(OFFER)


def test_ctrl_c_at_the_offer_leaves(tmp_path: Path, hub: Hub) -> None:
    """Without a traceback; the question is asked again at the next start."""
    with start(tmp_path, hub) as screen:
        screen.shows(OFFER)
        screen.leave()
        assert "Traceback" not in screen.text
    with start(tmp_path, hub) as screen:
        screen.shows(OFFER)
