"""Where services stand, folded from what their supervisor tells: the one account of whoever shows or counts it."""

from __future__ import annotations

from dataclasses import dataclass

from shared.events import (
    Event,
    ServiceCrashed,
    ServiceDegraded,
    ServiceFailed,
    ServiceReady,
    ServiceRestarted,
    ServiceStarting,
    ServiceStopped,
)

__all__ = ["SERVICE_EVENTS", "Standing", "Standings"]

SERVICE_EVENTS: tuple[type[Event], ...] = (
    ServiceStarting,
    ServiceReady,
    ServiceDegraded,
    ServiceCrashed,
    ServiceRestarted,
    ServiceStopped,
    ServiceFailed,
)
"""What a Standings is fed with, in order."""


@dataclass(slots=True)
class Standing:
    """One service, as was last told of it."""

    name: str
    state: str = "starting"
    """starting, ready, degraded, crashed, stopped or failed."""
    reason: str = ""
    """Why it is not ready, for a person."""
    restarts: int = 0
    crashes: int = 0
    since: int = 0
    """When it came into this state, unix ns."""

    @property
    def up(self) -> bool:
        """True when it works, even with less than it should have."""
        return self.state in ("ready", "degraded")


class Standings:
    """Service by service, in the order in which they were heard of."""

    def __init__(self) -> None:
        self.by_name: dict[str, Standing] = {}

    def see(self, event: Event) -> None:
        """Take in one event; of other kinds than SERVICE_EVENTS, nothing."""
        match event:
            case ServiceCrashed():
                self._now(event, event.service, "crashed", event.error).crashes += 1
            case ServiceDegraded():
                self._now(event, event.service, "degraded", event.reason)
            case ServiceFailed():
                self._now(event, event.service, "failed", event.error).restarts = event.restarts
            case ServiceRestarted():
                known = self._of(event.service)
                self._now(event, event.service, "starting", known.reason).restarts = event.restarts
            case ServiceStarting():
                known = self._of(event.service)
                self._now(event, event.service, "starting", known.reason if known.restarts else "")
            case ServiceReady() | ServiceStopped():
                self._now(event, event.service, event.kind.partition(".")[2])

    def _of(self, name: str) -> Standing:
        return self.by_name.setdefault(name, Standing(name))

    def _now(self, event: Event, name: str, state: str, reason: str = "") -> Standing:
        standing = self._of(name)
        standing.state, standing.reason, standing.since = state, reason, event.at
        return standing
