"""A timer or an alarm as it is kept: a timer counts elapsed time, an alarm waits for a time of day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

__all__ = ["Alarm", "State", "following", "resolve", "settled"]

State = Literal["waiting", "paused", "ringing"]


class Alarm(BaseModel):
    """One timer or alarm. Frozen: a change is a new one in its place. Times in ns."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # another version may have kept more

    id: str
    """Id of the call that set it."""
    kind: Literal["timer", "alarm"]
    name: str
    """As the person called it; may be empty."""
    language: str
    session: str
    set_at: int
    """Unix time it was set."""
    length: int
    """A timer's whole length, additions included; 0 for an alarm."""
    due: int
    """Unix time it rings. A running timer's true end is kept on the monotonic clock by the book; after a restart this
    is what is left of it."""
    local: str = ""
    """An alarm's time of day as the person meant it (ISO 8601 without offset), so that a changed offset moves it."""
    zone: str = ""
    """IANA name of the zone of `local`; empty for a fixed offset."""
    days: tuple[int, ...] = ()
    """The weekdays (0 for Monday) on which an alarm comes again and again, by its `local` time of day in its `zone`;
    empty for one that comes once."""
    state: State = "waiting"
    left: int = 0
    """What is left of a paused timer."""
    attempt: int = 0
    """How often it has rung."""
    next_ring: int = 0
    """Unix time of the next ring of one that is ringing."""
    counter: str = ""
    """Who counted its last ring, and says it."""


def resolve(local: datetime, zone: ZoneInfo) -> int:
    """Return the unix time in ns of a naive local time.

    In the hour that a change of the clocks skips, the time is as far past the change as it was meant to be (2:30
    becomes 3:30); of an hour that comes twice, the first is meant (PEP 495, fold 0).
    """
    moment = local.replace(tzinfo=zone, fold=0)
    return int(moment.timestamp()) * 1_000_000_000


def settled(alarm: Alarm) -> Alarm:
    """The alarm with its time of day resolved anew: the rules of its zone may have changed since it was set.

    Reads the zone's file when it is new to the process.
    """
    if not alarm.local or not alarm.zone or alarm.state != "waiting":
        return alarm
    return alarm.model_copy(update={"due": resolve(datetime.fromisoformat(alarm.local), ZoneInfo(alarm.zone))})


def following(alarm: Alarm, after: int) -> Alarm:
    """Return an alarm that comes again at the first of its days whose moment is after this one (unix ns)."""
    local, due, zone = datetime.fromisoformat(alarm.local), alarm.due, ZoneInfo(alarm.zone)
    while due <= after or local.weekday() not in alarm.days:
        local += timedelta(days=1)
        due = resolve(local, zone)
    return alarm.model_copy(update={"local": local.isoformat(), "due": due})
