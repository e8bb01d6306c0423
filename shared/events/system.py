"""The supervisor's view, and the bus's own telemetry."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from shared.events.base import Event

__all__ = [
    "EventDead",
    "GatewayOpened",
    "MetricSample",
    "ServiceCrash",
    "ServiceCrashed",
    "ServiceDegraded",
    "ServiceFailed",
    "ServiceReady",
    "ServiceRestart",
    "ServiceRestarted",
    "ServiceStarting",
    "ServiceStopped",
    "SubscriptionOverflowed",
]


class _ServiceEvent(Event):
    """The state of a service; the last one of each service is retained."""

    retained: ClassVar[bool] = True
    service: str

    def slot(self) -> Hashable:
        return ("service", self.service)


class ServiceStarting(_ServiceEvent):
    """Its `run` was entered."""

    kind: ClassVar[str] = "service.starting"


class ServiceReady(_ServiceEvent):
    """It does its work."""

    kind: ClassVar[str] = "service.ready"


class ServiceDegraded(_ServiceEvent):
    """It runs with less than it should."""

    kind: ClassVar[str] = "service.degraded"
    reason: str
    """What is missing and what to do, for a person."""


class ServiceCrashed(_ServiceEvent):
    """Its `run` raised."""

    kind: ClassVar[str] = "service.crashed"
    error: str
    handling: str | None
    """Id of the event in hand, if any."""


class ServiceRestarted(_ServiceEvent):
    """It is being run again."""

    kind: ClassVar[str] = "service.restarted"
    restarts: int
    """Restarts since the start of the tree."""
    delay_ns: int


class ServiceStopped(_ServiceEvent):
    """It returned, or was told to stop."""

    kind: ClassVar[str] = "service.stopped"


class ServiceFailed(_ServiceEvent):
    """It crashed too often and is not run again; the rest of the tree goes on."""

    kind: ClassVar[str] = "service.failed"
    error: str
    restarts: int


class ServiceRestart(Event):
    """Request to the supervisor: stop the service and run it again; one that was given up gets a new life."""

    kind: ClassVar[str] = "service.restart"
    service: str


class ServiceCrash(Event):
    """Request to the supervisor: treat the service as if it had raised, to see what becomes of it."""

    kind: ClassVar[str] = "service.crash"
    service: str


class GatewayOpened(Event):
    """The event socket listens."""

    kind: ClassVar[str] = "gateway.opened"
    retained: ClassVar[bool] = True
    url: str
    """Where, as `http://127.0.0.1:8321`."""


class MetricSample(Event):
    """One reading of one metric, in the unit its name ends with."""

    kind: ClassVar[str] = "metric.sample"
    name: str
    value: float
    labels: dict[str, str]


class SubscriptionOverflowed(Event):
    """A subscriber was too slow; events were dropped, or the subscription failed."""

    kind: ClassVar[str] = "subscription.overflowed"
    subscription: str
    policy: str
    dropped: int
    """Events dropped since the subscription began."""


class EventDead(Event):
    """An event crashed its handler too often and was given up."""

    kind: ClassVar[str] = "event.dead"
    service: str
    event: str
    """Its id."""
    event_kind: str
    header: str
    """The event's JSON header, so that it can be injected again."""
    crashes: int
    error: str
