"""Transports: how buses of several processes become one."""

from __future__ import annotations

from bus.transport.errors import BusUnfit, BusUnreachable, NameTaken, NotDead, SessionTaken, StoreTaken, Taken
from bus.transport.letters import Letter, Letters
from bus.transport.parcel import Node, Parcel, Read
from bus.transport.redis import Batch, RedisTransport
from bus.transport.register import Outdated, Register, Written

__all__ = [
    "Batch",
    "BusUnfit",
    "BusUnreachable",
    "Letter",
    "Letters",
    "NameTaken",
    "Node",
    "NotDead",
    "Outdated",
    "Parcel",
    "Read",
    "RedisTransport",
    "Register",
    "SessionTaken",
    "StoreTaken",
    "Taken",
    "Written",
]
