"""What is kept of the book: what is set, what was asked back, and which calls were done, so that none is done twice."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from services.skills.ringing.alarm import Alarm

__all__ = ["Done", "Kept", "Question"]


class Done(BaseModel):
    """A call that changed something, and its result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: str
    """Id of the call."""
    result: dict[str, JsonValue] = {}
    """The fields of its `tool.result`; none where they are forgotten."""


class Question(BaseModel):
    """What Sotto asked back, until the person's next sentence: "Which one?", "For how long?"."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # another version may have kept more

    session: str
    at: int
    """Unix time in ns."""
    skill: str
    """That asked."""
    arguments: dict[str, JsonValue]
    """It was asked with these."""
    among: tuple[str, ...] = ()
    """Ids of the timers or alarms to choose from."""


class Kept(BaseModel):
    """The whole book."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # another version may have kept more

    alarms: tuple[Alarm, ...]
    done: tuple[Done, ...] = ()
    """The oldest first."""
    before: tuple[str, ...] = ()
    """Ids of the calls done before those, the oldest first: their results are forgotten."""
    questions: tuple[Question, ...] = ()
    """At most one a session."""

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, found: Any) -> Any:
        """The list that earlier versions wrote, with marks for what the last call had taken away."""
        if not isinstance(found, list):
            return found
        return {"alarms": [one for one in found if not (isinstance(one, dict) and one.get("state") == "gone")]}
