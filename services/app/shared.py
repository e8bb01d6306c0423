"""What a bus that processes share is asked from outside."""

from __future__ import annotations

from collections.abc import Mapping

from bus.transport import Letter, Node
from services.link import LinkSettings, dead, living, retry
from services.settings import Settings
from shared.errors import ConfigError

__all__ = ["dead_letters", "processes", "retry_letter"]


async def processes(settings: Settings) -> Mapping[str, Node]:
    """Return the processes that share the bus of the settings, by name.

    Raises ConfigError when none is set, BusUnreachable or BusUnfit.
    """
    return await living(_shared(settings))


async def dead_letters(settings: Settings) -> list[Letter]:
    """Return the events that processes gave up, oldest first. Raises ConfigError, BusUnreachable or BusUnfit."""
    return await dead(_shared(settings))


async def retry_letter(settings: Settings, entry: str, to: str = "") -> Letter:
    """Send one of them again, to `to` or to who gave it up. Raises NotDead, and what `dead_letters` raises."""
    return await retry(_shared(settings), entry, to)


def _shared(settings: Settings) -> LinkSettings:
    if settings.bus.url is None:
        raise ConfigError("There is no bus to look at.", remedy="Set bus.url, or type --bus redis://HOST:6379.")
    return settings.bus
