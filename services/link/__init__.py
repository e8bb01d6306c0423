"""The link service: joins this process's bus with those of other processes and machines."""

from __future__ import annotations

from services.link.service import LinkService, dead, living, retry
from services.link.settings import LinkSettings

__all__ = ["LinkService", "LinkSettings", "dead", "living", "retry"]
