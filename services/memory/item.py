"""An item: one thing that is remembered, as the store holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.events import Remembered

__all__ = ["Item", "What"]

What = Literal["turn", "fact", "document"]


@dataclass(frozen=True, slots=True)
class Item:
    """See `shared.events.Remembered` for the fields that bear the same names there."""

    id: str
    what: What
    text: str
    at: int
    key: str = ""
    value: str = ""
    slot: str = ""
    """A fact supersedes the live one of the same slot; empty for one that contradicts none."""
    topic: str = ""
    """The key's words in a fixed order: what it is asked for by."""
    language: str = ""
    session: str = ""
    turn: int = 0
    speaker: str = ""
    source: str = ""
    place: str = ""
    expires: int = 0
    """Unix ns; 0 for never."""
    state: Literal["live", "superseded"] = "live"

    def told(self, score: float = 0.0) -> Remembered:
        """The item as events carry it."""
        return Remembered(
            id=self.id,
            what=self.what,
            text=self.text,
            key=self.key,
            value=self.value,
            at=self.at,
            session=self.session,
            turn=self.turn,
            speaker=self.speaker,
            source=self.source,
            place=self.place,
            score=score,
        )
