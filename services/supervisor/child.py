"""A child specification: which service, how it is made, and what happens when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.contract import Service

__all__ = ["Child", "Restart"]

Restart = Literal["permanent", "transient", "temporary"]
"""Run again: always, after a crash alone, never."""


@dataclass(frozen=True, slots=True)
class Child:
    """One service of the tree: `Child(Tts, lambda: Tts(settings, shelf))`, or `Child(Clockmaker)`.

    Its name and kinds are read from the class, so that its mailbox exists before anything is made; `make` is called
    at every start, and what it raises counts as a crash.
    """

    service: type[Service]
    make: Callable[[], Service] | None = None
    """Returns a new service; None calls the class without arguments."""
    restart: Restart = "permanent"
    name: str = ""
    """For two children of one class; empty takes the service's own."""
    capacity: int = 1024
    """Control events that may wait in the mailbox before the service counts as stuck."""
    start_within: float = 60.0
    """Seconds in which it must say that it is ready (or degraded); after that it hangs and is given up."""

    @property
    def label(self) -> str:
        """The name that events and logs call it by."""
        return self.name or self.service.name

    def build(self) -> Service:
        """Return a new service."""
        return self.make() if self.make is not None else self.service()
