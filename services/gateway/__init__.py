"""The gateway: the event socket and what a browser or a probe asks for, over HTTP on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.gateway.service import GatewayService
    from services.gateway.settings import GatewaySettings
    from services.gateway.sources import Sources
else:
    __getattr__ = lazily(
        __name__, {".service": "GatewayService", ".settings": "GatewaySettings", ".sources": "Sources"}
    )

__all__ = ["GatewayService", "GatewaySettings", "Sources"]
