"""A step: one event as the dashboard keeps it, or a run of like ones (deltas, frames, partials) folded into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

__all__ = ["RUNS", "Fields", "Step", "step_of", "summary"]

Fields = Mapping[str, JsonValue]
"""An event as it comes over the socket."""

RUNS = frozenset(
    {"audio.captured", "audio.played", "llm.delta", "metric.sample", "model.progress", "stt.partial", "tts.audio"}
)
"""Kinds of which many come one after the other."""

_ENVELOPE = frozenset({"kind", "version", "id", "at", "source", "session", "turn", "cause", "root", "trace"})
_SHORT = 160


@dataclass(slots=True)
class Step:
    """See the module. `until` and `count` grow with a run; `group` tells runs of one kind apart."""

    id: str
    at: int
    """Unix ns."""
    kind: str
    source: str
    session: str
    turn: int
    cause: str | None
    text: str
    """Its own fields in short, for a person."""
    group: str = ""
    """The clause, request or utterance that it belongs to."""
    ends: bool = False
    """The clause's last sample left the speaker (`audio.played`)."""
    until: int = 0
    """Unix ns of the last of the run."""
    count: int = 1

    def takes(self, other: Step) -> bool:
        """Take `other` into this run; False when it is none of it."""
        if self.kind not in RUNS or (self.kind, self.group) != (other.kind, other.group):
            return False
        self.until, self.count, self.text = other.at, self.count + 1, other.text
        self.ends = self.ends or other.ends
        return True


def step_of(fields: Fields) -> Step:
    """Return the step of an event."""
    at = _number(fields, "at")
    cause = fields.get("cause")
    return Step(
        id=str(fields.get("id", "")),
        at=at,
        kind=str(fields.get("kind", "")),
        source=str(fields.get("source", "")),
        session=str(fields.get("session", "")),
        turn=_number(fields, "turn"),
        cause=None if cause is None else str(cause),
        text=summary(fields),
        group=_group(fields),
        ends=fields.get("ended") is True,
        until=at,
    )


def summary(fields: Fields) -> str:
    """The event's own fields as `name value`, cut to a line."""
    own = (
        f"{name} {_brief(value)}" for name, value in fields.items() if name not in _ENVELOPE and value not in ("", None)
    )
    line = ", ".join(own)
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _brief(value: JsonValue) -> str:
    if isinstance(value, str):
        return value[:_SHORT]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | dict):
        return f"({len(value)})"
    return str(value)


def _group(fields: Fields) -> str:
    if "clause" in fields:
        return f"{fields.get('reply', '')}/{fields['clause']}"
    return str(fields.get("request") or fields.get("utterance") or fields.get("name") or "")


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) else 0
