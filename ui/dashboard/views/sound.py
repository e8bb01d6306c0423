"""The sound of a turn, where it was recorded: what was said, and what was heard of the answer."""

from __future__ import annotations

import streamlit as st

from shared.errors import SottoError
from ui.dashboard.chrome import notice
from ui.dashboard.feed import Feed
from ui.dashboard.gateway import Refused
from ui.dashboard.turns import Turn

__all__ = ["play_back", "sounded"]

_MARGIN = 4_000
"""Samples before and after that are played with it: a quarter of a second."""


def sounded(turn: Turn) -> bool:
    """True when something of the turn could be heard."""
    return bool(_stretches(turn))


def play_back(feed: Feed, turn: Turn) -> None:
    """Draw a player for the question and one for the answer."""
    for name, track, first, until in _stretches(turn):
        try:
            sound = feed.gateway.sound(turn.session, track, max(0, first - _MARGIN), until + _MARGIN)
        except Refused as error:
            st.html(notice(f"There is no sound of {name}.", f"{error} Sound is kept only if you allow it."))
        except SottoError as error:
            st.html(notice("The sound cannot be had now.", str(error), tone="warn"))
        else:
            st.caption(name)
            st.audio(sound, format="audio/wav")


def _stretches(turn: Turn) -> list[tuple[str, str, int, int]]:
    both = [
        ("the question", "microphone", turn.first_sample, turn.until_sample),
        ("the answer", "speaker", turn.speaking_from, turn.speaking_until),
    ]
    return [stretch for stretch in both if stretch[3] > stretch[2]]
