"""The journal service: what happens in a session is recorded, so that it can be seen and run again afterwards."""

from __future__ import annotations

from services.journal.service import JournalService
from services.journal.settings import JournalSettings

__all__ = ["JournalService", "JournalSettings"]
