"""Timers and alarms: what is set, where it is kept, and when it rings."""

from __future__ import annotations

from services.skills.ringing.alarm import Alarm, following, resolve
from services.skills.ringing.book import AlarmBook
from services.skills.ringing.kept import Done, Kept, Question
from services.skills.ringing.ringer import Ringer
from services.skills.ringing.shelf import HouseClock, OwnShelf, SharedShelf, Shelf
from services.skills.ringing.store import AlarmFile, AlarmsDamaged, AlarmStore, Unsaved

__all__ = [
    "Alarm",
    "AlarmBook",
    "AlarmFile",
    "AlarmStore",
    "AlarmsDamaged",
    "Done",
    "HouseClock",
    "Kept",
    "OwnShelf",
    "Question",
    "Ringer",
    "SharedShelf",
    "Shelf",
    "Unsaved",
    "following",
    "resolve",
]
