"""What can be wrong with the place where processes meet."""

from __future__ import annotations

from shared.errors import SottoError

__all__ = ["BusUnfit", "BusUnreachable", "NameTaken", "NotDead", "SessionTaken", "StoreTaken", "Taken"]


class BusUnreachable(SottoError):
    """Redis cannot be reached or does not let us in."""


class BusUnfit(SottoError):
    """What answers is not a Redis that keeps what it is given."""


class Taken(SottoError):
    """Another process has what only one may have."""


class NameTaken(Taken):
    """A process of this name is there already."""


class SessionTaken(Taken):
    """Another process holds this conversation."""


class StoreTaken(Taken):
    """Another process keeps what only one may keep for all."""


class NotDead(SottoError):
    """No event with this number was given up."""
