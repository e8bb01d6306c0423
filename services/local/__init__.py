"""The local socket: programs of the same person ask a running Sotto, and nobody else can."""

from __future__ import annotations

from services.local.calls import calls
from services.local.place import Card
from services.local.service import LocalService
from services.local.settings import LocalSettings

__all__ = ["Card", "LocalService", "LocalSettings", "calls"]
