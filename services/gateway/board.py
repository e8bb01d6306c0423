"""The board: what each service last said of itself, and how often it was run again."""

from __future__ import annotations

from pydantic import JsonValue

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

__all__ = ["SERVICE_EVENTS", "Board"]

SERVICE_EVENTS: tuple[type[Event], ...] = (
    ServiceStarting,
    ServiceReady,
    ServiceDegraded,
    ServiceCrashed,
    ServiceRestarted,
    ServiceStopped,
    ServiceFailed,
)
_UP = ("ready", "degraded")


class Board:
    """Service by service, fed in order with SERVICE_EVENTS."""

    def __init__(self) -> None:
        self._services: dict[str, tuple[str, str, int]] = {}

    def see(self, event: Event) -> None:
        """Take in one event; of other kinds, nothing."""
        if not isinstance(event, SERVICE_EVENTS):
            return
        name: str = event.service  # type: ignore[attr-defined]  # each of SERVICE_EVENTS names one
        _, reason, restarts = self._services.get(name, ("", "", 0))
        match event:
            case ServiceDegraded():
                said = ("degraded", event.reason, restarts)
            case ServiceCrashed():
                said = ("crashed", event.error, restarts)
            case ServiceFailed():
                said = ("failed", event.error, restarts)
            case ServiceRestarted():
                said = ("starting", reason, event.restarts)
            case ServiceStarting():
                said = ("starting", reason if restarts else "", restarts)
            case _:
                said = (event.kind.removeprefix("service."), "", restarts)
        self._services[name] = said

    @property
    def ready(self) -> bool:
        """True when every service is up, even with less than it should have."""
        return all(state in _UP for state, _, _ in self._services.values())

    @property
    def starting(self) -> frozenset[str]:
        """The services that have yet to say that they are up."""
        return frozenset(name for name, (state, _, _) in self._services.items() if state == "starting")

    def lines(self) -> dict[str, JsonValue]:
        """Return each service's state, reason and restarts, by name."""
        return {
            name: {"state": state, "reason": reason, "restarts": restarts}
            for name, (state, reason, restarts) in self._services.items()
        }
