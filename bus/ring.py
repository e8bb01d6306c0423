"""The ring: the last events published, for whoever looks back. Sound has its own, or it would crowd out the words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import merge
from operator import itemgetter

from shared.errors import SottoError
from shared.events import Event

__all__ = ["ReplayGap", "Ring"]

Entry = tuple[int, Event]
"""An event and its number in the published order."""


class ReplayGap(SottoError):
    """Some of the events to replay are no longer remembered."""


class Ring:
    """Remembers the last `size` events without a payload and the last `payload_size` with one."""

    def __init__(self, size: int, payload_size: int) -> None:
        self._plain: deque[Entry] = deque(maxlen=size)
        self._payload: deque[Entry] = deque(maxlen=payload_size)
        self._published: set[type[Event]] = set()

    def keeper(self, cls: type[Event]) -> Callable[[Entry], None]:
        """Return the function that remembers events of exactly this class."""
        self._published.add(cls)
        return self._of(cls).append

    def replay(self, since: str | None, kinds: tuple[type[Event], ...]) -> Iterator[Event]:
        """See `Bus.replay`."""
        entries = list(merge(self._plain, self._payload, key=itemgetter(0)))
        if since is not None:
            after = next((number for number, event in entries if event.id == since), None)
            if after is None:
                raise ReplayGap(f"Event {since} is no longer remembered.", remedy="Replay from the start (no `since`).")
            self._require_all(after, kinds)
            entries = [entry for entry in entries if entry[0] > after]
        return (event for _, event in entries if not kinds or isinstance(event, kinds))

    def _require_all(self, after: int, kinds: tuple[type[Event], ...]) -> None:
        asked = [cls for cls in self._published if issubclass(cls, kinds or Event)]
        for ring in (self._plain, self._payload):
            if not any(self._of(cls) is ring for cls in asked):
                continue
            if len(ring) == ring.maxlen and ring[0][0] > after + 1:
                raise ReplayGap(
                    f"Events between number {after} and {ring[0][0]} are no longer remembered.",
                    remedy="Ask for fewer kinds (sound is forgotten first), or replay from the start (no `since`).",
                )

    def _of(self, cls: type[Event]) -> deque[Entry]:
        return self._payload if cls.payload else self._plain
