"""The local socket: programs of the same person ask a running Sotto, and nobody else can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.local.place import Card
    from services.local.service import LocalService
    from services.local.settings import LocalSettings
else:
    __getattr__ = lazily(__name__, {".place": "Card", ".service": "LocalService", ".settings": "LocalSettings"})

__all__ = ["Card", "LocalService", "LocalSettings"]
