"""What the reducer may ask of the world: say an event, fence a turn, be woken; and the waking itself.

Wakes are kept under a name: a new one of the same name replaces the old.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.events import Event

__all__ = ["Command", "Fence", "Forget", "Publish", "WakeAfter", "WakeAt", "Woke"]


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish an event of `kind` in `turn`."""

    kind: type[Event]
    turn: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fence:
    """Fence every turn of the session older than `turn`."""

    turn: int


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Answer with `Woke(name)` when the capture clock reaches `sample`."""

    name: str
    sample: int


@dataclass(frozen=True, slots=True)
class WakeAfter:
    """Answer with `Woke(name)` after `ns` nanoseconds."""

    name: str
    ns: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop the wake of this name, if there is one."""

    name: str


@dataclass(frozen=True, slots=True)
class Woke:
    """An input of the reducer: the wake of this name is due."""

    name: str


Command = Publish | Fence | WakeAt | WakeAfter | Forget
