"""Where services stand after what their supervisor told of them."""

from __future__ import annotations

from typing import Any

from shared.clock import ManualClock
from shared.events import (
    Event,
    ServiceCrashed,
    ServiceDegraded,
    ServiceFailed,
    ServiceReady,
    ServiceRestarted,
    ServiceStarting,
    ServiceStopped,
    SessionCleared,
    Stamp,
)
from shared.ids import id_source
from shared.standing import SERVICE_EVENTS, Standing, Standings

stamp = Stamp("supervisor", ManualClock(7), id_source("e-"), "s")


def after(*events: Event) -> Standing:
    """Where `tts` stands."""
    standings = Standings()
    for event in events:
        standings.see(event)
    return standings.by_name["tts"]


def told(kind: type[Any], **fields: Any) -> Event:
    return stamp(kind, service="tts", **fields)


CRASH = told(ServiceCrashed, error="no voice", handling=None)
AGAIN = told(ServiceRestarted, restarts=1, delay_ns=0)


def test_a_service_is_what_was_last_told_of_it() -> None:
    assert after(told(ServiceStarting)) == Standing("tts", "starting", since=7)
    assert after(told(ServiceStarting), told(ServiceReady)).up
    degraded = after(told(ServiceReady), told(ServiceDegraded, reason="less"))
    assert (degraded.state, degraded.reason, degraded.up) == ("degraded", "less", True)
    assert after(told(ServiceDegraded, reason="less"), told(ServiceReady)).reason == ""
    assert not after(told(ServiceReady), told(ServiceStopped)).up


def test_why_it_crashed_is_kept_until_it_works_again() -> None:
    """While it is being run again as well."""
    again = after(told(ServiceReady), CRASH, AGAIN, told(ServiceStarting))
    assert (again.state, again.reason, again.restarts, again.crashes) == ("starting", "no voice", 1, 1)
    well = after(told(ServiceReady), CRASH, AGAIN, told(ServiceStarting), told(ServiceReady))
    assert (well.state, well.reason, well.restarts, well.crashes) == ("ready", "", 1, 1)
    assert after(told(ServiceFailed, error="ten times", restarts=10)) == Standing(
        "tts", "failed", "ten times", 10, 0, 7
    )


def test_other_kinds_say_nothing() -> None:
    standings = Standings()
    standings.see(stamp(SessionCleared))
    assert standings.by_name == {}
    assert SessionCleared not in SERVICE_EVENTS
