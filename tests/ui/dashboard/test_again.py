"""A recorded session as it is played: what was known at any moment of it, forwards and backwards."""

from __future__ import annotations

from shared.events import TurnFinished, TurnStarted
from tests.ui.dashboard.socket_kit import Frames
from ui.dashboard.views.again import Player


def conversation() -> list[dict]:
    """Two turns, an event each millisecond."""
    frames = Frames()
    for turn in (1, 2):
        frames.event(TurnStarted, turn=turn, reason="text", first_sample=0)
        frames.event(
            TurnFinished, turn=turn, reason="answered", asked="a", answered="b", heard="b", by="clock", latency=None
        )
    return frames.made


def known(player: Player, second: float) -> list[tuple[int, bool]]:
    return [(turn.number, turn.over) for turn in player.at(second).turns.values()]


def test_any_moment_of_it_can_be_looked_at():
    """What comes later is not known yet, in whatever order one looks."""
    player = Player("one", conversation())
    assert player.length_s == 0.003
    assert known(player, 0) == [(1, False)]
    assert known(player, 0.002) == [(1, True), (2, False)]
    assert known(player, 0.003) == [(1, True), (2, True)]
    assert known(player, 0.001) == [(1, True)]
    assert known(player, 0) == [(1, False)]


def test_a_session_without_events_has_no_moments():
    player = Player("one", [])
    assert (player.length_s, known(player, 1)) == (0.0, [])
