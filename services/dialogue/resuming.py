"""Resuming: a conversation goes on after a restart with what was heard in it, its oldest turns in sum."""

from __future__ import annotations

from dataclasses import replace

from services.dialogue.history import Exchange
from services.dialogue.ledger import Ledger
from services.dialogue.state import State
from shared.events import PastTurn, SessionResumed, SessionSummarised

__all__ = ["on_resumed", "on_summarised", "past_exchange"]


def on_resumed(state: State, event: SessionResumed) -> State:
    """Begin as if those turns had been held here before."""
    past = tuple(past_exchange(turn) for turn in event.turns)
    return replace(state, past=(*past, *state.past), summary=event.summary)


def on_summarised(state: State, event: SessionSummarised) -> State:
    """The summary takes the place of the turns that it stands for."""
    told = {(name.session, name.turn) for name in event.summary.turns}
    past = tuple(e for e in state.past if (e.session or state.session, e.turn) not in told)
    return replace(state, past=past, summary=event.summary)


def past_exchange(turn: PastTurn) -> Exchange:
    """A turn of an earlier session. Of its answer there is what was heard, and nothing that could still be said."""
    cut = turn.reason == "interrupted"
    real = turn.reason in ("answered", "interrupted") and bool(turn.heard.strip())
    return Exchange(
        turn=turn.turn,
        asked=turn.asked,
        text=turn.heard,
        ledger=Ledger(),
        shown=True,
        complete=not cut,
        real=real,
        said=real,
        at=turn.at,
        session=turn.session,
        cut=cut,
    )
