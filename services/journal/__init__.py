"""The journal service: what happens in a session is recorded, so that it can be seen and run again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.journal.service import JournalService
    from services.journal.settings import JournalSettings
else:
    __getattr__ = lazily(__name__, {".service": "JournalService", ".settings": "JournalSettings"})

__all__ = ["JournalService", "JournalSettings"]
