"""Ways for events to leave the process: today Redis Streams."""

from __future__ import annotations

from bus.transport.parcel import Node, Parcel
from bus.transport.redis import BusUnfit, BusUnreachable, NameTaken, RedisTransport

__all__ = ["BusUnfit", "BusUnreachable", "NameTaken", "Node", "Parcel", "RedisTransport"]
