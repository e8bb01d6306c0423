"""The gateway: the event socket and what a browser or a probe asks for, over HTTP on loopback."""

from __future__ import annotations

from services.gateway.service import GatewayService
from services.gateway.settings import GatewaySettings
from services.gateway.sources import Sources

__all__ = ["GatewayService", "GatewaySettings", "Sources"]
