"""What was sent lately is told to a server that may not know it, and to no other."""

from __future__ import annotations

import pytest

from bus.transport import Parcel
from bus.transport import recent as module
from bus.transport.recent import Recent

ONE, TWO = (Parcel(b"{%d}" % number, to=("there",)) for number in (1, 2))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one number is what the clock shows."""
    shown = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: shown[0])
    return shown


@pytest.fixture
def recent(time: list[float]) -> Recent:
    recent = Recent()
    assert recent.forgotten("first") == []
    return recent


def test_the_server_that_was_told_is_not_told_again(recent: Recent) -> None:
    """A line breaks more often than a server dies."""
    recent.sent([ONE, TWO])
    assert recent.forgotten("first") == []
    assert recent.forgotten("second") == [ONE, TWO]
    assert recent.forgotten("third") == []


def test_what_was_said_long_before_the_server_was_heard_last_stands_there(recent: Recent, time: list[float]) -> None:
    """However long it was away."""
    recent.sent([ONE])
    time[0] += 11
    recent.sent([TWO])
    recent.answered()
    time[0] += 3600
    assert recent.forgotten("second") == [TWO]


def test_where_nothing_was_said_lately_nothing_is_said_again(recent: Recent, time: list[float]) -> None:
    recent.sent([ONE])
    time[0] += 11
    recent.answered()
    assert recent.forgotten("second") == []
