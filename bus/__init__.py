"""The bus: typed events from whoever publishes to whoever asked, in one order, bounded, with ledgers that add up."""

from __future__ import annotations

from bus.backlog import Ledger, Overflow, latest
from bus.core import Bus
from bus.link import Link
from bus.mailbox import Mailbox
from bus.neighbours import describe
from bus.request import Fenced, NoMailbox, RequestTimeout
from bus.ring import ReplayGap
from bus.stream import DistantStream, Outlet, Stream, StreamClosed
from bus.subscription import SlowReader, Subscription

__all__ = [
    "Bus",
    "DistantStream",
    "Fenced",
    "Ledger",
    "Link",
    "Mailbox",
    "NoMailbox",
    "Outlet",
    "Overflow",
    "ReplayGap",
    "RequestTimeout",
    "SlowReader",
    "Stream",
    "StreamClosed",
    "Subscription",
    "describe",
    "latest",
]
