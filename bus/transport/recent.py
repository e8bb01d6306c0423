"""What was sent lately: a Redis that was killed, or the replica in its place, may have forgotten it.

With `appendfsync everysec` it says yes to what it has not written yet, and holds that back for up to two seconds while
its disk is slow. Who gets it a second time knows an event by its id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from time import monotonic

from bus.transport.parcel import Parcel

__all__ = ["Recent"]

_MOST = 4096
"""Half of what a process remembers to have seen."""
_FORGETS_S = 10.0
"""Redis forgets three at the most; the rest is for a machine that stands still."""


class Recent:
    """See the module. A server is told from the next by its run id."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, Parcel]] = deque(maxlen=_MOST)
        self._server = ""
        self._answered = monotonic()

    def answered(self) -> None:
        """The server lives."""
        self._answered = monotonic()

    def sent(self, parcels: Iterable[Parcel]) -> None:
        """The server has said yes to these."""
        self.answered()
        now, sent = self._answered, self._sent
        while sent and now - sent[0][0] > _FORGETS_S:
            sent.popleft()
        sent.extend((now, parcel) for parcel in parcels)

    def forgotten(self, server: str) -> list[Parcel]:
        """Return what this server may not know, in its order: nothing, unless it comes after another one."""
        before, self._server = self._server, server
        if before in ("", server):
            return []
        since = self._answered - _FORGETS_S
        lost = [parcel for at, parcel in self._sent if at >= since]
        self._sent.clear()
        return lost
