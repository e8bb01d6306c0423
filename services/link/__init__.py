"""The link service: joins this process's bus with those of other processes and machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.link.service import LinkService, dead, living, retry
    from services.link.settings import LinkSettings
else:
    __getattr__ = lazily(__name__, {".service": "LinkService dead living retry", ".settings": "LinkSettings"})

__all__ = ["LinkService", "LinkSettings", "dead", "living", "retry"]
