"""The time zone of the house, as a named zone, so that alarms know about changes of the clocks."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.errors import ConfigError

__all__ = ["home_zone"]


def home_zone(name: str = "") -> ZoneInfo:
    """Return the named zone, or the machine's own: TZ, /etc/timezone, where /etc/localtime points, else UTC.

    Raises ConfigError for a name that is no zone.
    """
    if name:
        zone = _zone(name)
        if zone is None:
            raise ConfigError(
                f"There is no time zone called {name!r}.",
                remedy="Set skills.timezone to an IANA name such as Europe/Berlin, or leave it empty.",
            )
        return zone
    for candidate in (os.environ.get("TZ", "").removeprefix(":"), _written(), _linked()):
        if candidate and (zone := _zone(candidate)) is not None:
            return zone
    return ZoneInfo("UTC")


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _written() -> str:
    try:
        return Path("/etc/timezone").read_text("utf-8").strip()
    except OSError:
        return ""


def _linked() -> str:
    return str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
