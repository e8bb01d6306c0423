"""What the gateway sends, made by hand: frames of a session, stamped in order, one millisecond after the other."""

from __future__ import annotations

import json
from typing import Any

from shared.events import Event, Stamp, encode

__all__ = ["Frames"]


class _Clock:
    def __init__(self) -> None:
        self.ns = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        self.ns += 1_000_000
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


class Frames:
    """Makes the frames of one run of the assistant."""

    def __init__(self, session: str = "one") -> None:
        self.session = session
        self.clock = _Clock()
        self._count = 0
        self._stamp = Stamp("test", self.clock, self._id, session)
        self.made: list[dict[str, Any]] = []

    def _id(self) -> str:
        self._count += 1
        return f"{self.session}-{self._count:06d}"

    def hello(self, oldest: str | None = None) -> dict[str, Any]:
        """The greeting."""
        return {"hello": {"version": "0.1.0", "session": self.session, "oldest": oldest}}

    def event(self, kind: type[Event], *, turn: int = 0, cause: str | None = None, **fields: Any) -> dict[str, Any]:
        """The frame of an event."""
        event = self._stamp(kind, turn=turn, **fields)
        body = json.loads(encode(event.model_copy(update={"cause": cause}))[0])
        self.made.append(body)
        return {"event": body}
