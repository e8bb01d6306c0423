"""The hub: from the bus to every client's feed. It hands events over as they are published, and waits for nobody.

Without a client it does not listen at all. A client that does not keep up is left alone until it has read what it was
given; then it goes on with the newest, from what is kept of it, and is told how much of what it missed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from bus import Bus, ReplayGap
from services.gateway.feed import Feed
from shared.events import Event, encode

__all__ = ["Hub", "text_frame"]

Seen = Counter[type[Event]]
"""How many events, by class."""

_NEWEST = 1000
"""Events that are kept for those left alone."""
_FRAMES = _NEWEST + 200
"""Events that are kept as they are sent: every client gets the same, those left alone somewhat later."""


class Hub:
    """See the module. Its methods belong to the event loop's thread."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feeds: dict[Feed, None] = {}
        self._routes: dict[type[Event], tuple[Feed, ...]] = {}
        self._untap: Callable[[], None] | None = None
        self._alone: dict[Feed, Seen] = {}
        """Those left alone: with what had been seen by then, or, where a session or turn is wanted, what was missed."""
        self._narrow: tuple[Feed, ...] = ()
        """Those left alone that want a session or turn."""
        self._seen: Seen = Counter()
        """Events published while somebody is left alone."""
        self._newest_seen: deque[Event] = deque(maxlen=_NEWEST)
        """The last of them."""
        self._frames: dict[str, bytes] = {}

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The open ones, oldest first."""
        return tuple(self._feeds)

    def oldest(self) -> str | None:
        """Id of the oldest event that is remembered."""
        first = next(self._bus.replay(), None)
        return None if first is None else first.id

    def attach(self, feed: Feed, since: str | None, but: Container[str] = ()) -> None:
        """Let `feed` have what it wants from now on, after what came later than the event `since`, `but` these ids.

        Without `since` it first gets the retained events: what each service and model last said of itself. Nothing
        is missing and nothing comes twice. Raises ReplayGap (see `catch_up`), and then nothing was attached.
        """
        past = self._retained(feed) if since is None else self._since(feed, since)
        feed.begin(event for event in past if event.id not in but)
        self._join(feed)

    def catch_up(self, feed: Feed) -> None:
        """Attach `feed` with everything that is remembered, for one whose `since` is not."""
        feed.begin(self._remembered(feed))
        self._join(feed)

    def detach(self, feed: Feed) -> None:
        """Close the feed, and listen no more when it was the last one."""
        feed.close()
        self._feeds.pop(feed, None)
        if self._alone.pop(feed, None) is not None:
            self._narrow = tuple(one for one in self._narrow if one is not feed)
        self._routes.clear()
        if not self._feeds and self._untap is not None:
            self._untap()
            self._untap = None
            self._frames.clear()

    def frame(self, event: Event) -> bytes:
        """Return the event as a WebSocket frame, without samples."""
        frame = self._frames.get(event.id)
        if frame is None:
            frame = self._frames[event.id] = text_frame(b'{"event":%b}' % encode(event)[0])
            if len(self._frames) > _FRAMES:
                del self._frames[next(iter(self._frames))]
        return frame

    def _join(self, feed: Feed) -> None:
        feed.overtaken = lambda: self._resume(feed)
        self._feeds[feed] = None
        self._routes.clear()
        if self._untap is None:
            self._untap = self._bus.tap(self._deal)

    def _deal(self, event: Event) -> None:
        cls = type(event)
        feeds = self._routes.get(cls)
        if feeds is None:
            feeds = self._routes[cls] = tuple(feed for feed in self._hearing() if cls in feed.wanted.kinds)
        full = False
        for feed in feeds:
            feed.offer(event)
            full = full or feed.left_alone
        if full:
            self._leave_alone(feeds)
        if self._alone:
            self._pass_by(cls, event)

    def _pass_by(self, cls: type[Event], event: Event) -> None:
        """Remember an event that those left alone do not get now."""
        self._seen[cls] += 1
        self._newest_seen.append(event)
        for feed in self._narrow:
            if feed.wanted.wants_all(cls, event.session, event.turn):
                self._alone[feed][cls] += 1

    def _hearing(self) -> Iterator[Feed]:
        return (feed for feed in self._feeds if feed not in self._alone)

    def _leave_alone(self, feeds: Iterable[Feed]) -> None:
        if not self._alone:
            self._seen.clear()
            self._newest_seen.clear()
        for feed in feeds:
            if feed.left_alone:
                self._alone[feed] = Counter() if feed.wanted.narrow else Counter(self._seen)
        self._narrow = tuple(feed for feed in self._alone if feed.wanted.narrow)
        self._routes.clear()

    def _resume(self, feed: Feed) -> None:
        """Give the feed the newest of what it did not get, as much as it holds, and tell it of the rest."""
        before = self._alone.pop(feed, Counter())
        self._routes.clear()
        unheard = before if feed.wanted.narrow else self._seen - before
        self._narrow = tuple(one for one in self._narrow if one is not feed)
        unheard = Counter({cls: count for cls, count in unheard.items() if cls in feed.wanted.kinds})
        newest = self._newest(feed, min(feed.capacity, unheard.total()))
        unheard.subtract(map(type, newest))
        feed.resume({cls.kind: count for cls, count in unheard.items() if count > 0}, newest)

    def _newest(self, feed: Feed, count: int) -> Sequence[Event]:
        newest: list[Event] = []
        for event in reversed(self._newest_seen):
            if len(newest) >= count:
                break
            if type(event) in feed.wanted.kinds and feed.wanted.wants(event):
                newest.append(event)
        return newest[::-1]

    def _remembered(self, feed: Feed) -> Iterator[Event]:
        kinds = feed.wanted.kinds
        return (event for event in self._bus.replay() if type(event) in kinds)

    def _retained(self, feed: Feed) -> Iterator[Event]:
        kinds = [cls for cls in feed.wanted.kinds if cls.retained]
        if not kinds:
            return
        with self._bus.subscribe(*kinds, name="gateway-retained") as kept:
            while (event := kept.take_nowait()) is not None:
                yield event

    def _since(self, feed: Feed, since: str) -> Iterator[Event]:
        kinds = feed.wanted.kinds
        try:
            return self._bus.replay(since, *kinds)
        except ReplayGap:  # sound is forgotten first, and its samples do not cross anyway
            silent = [cls for cls in kinds if cls.payload is None]
            if not silent:
                raise
            return self._bus.replay(since, *silent)


def text_frame(text: bytes) -> bytes:
    """Return a text as a server sends it: one frame, unmasked (RFC 6455, section 5.2)."""
    length = len(text)
    if length < 126:
        return b"\x81" + length.to_bytes(1, "big") + text
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big") + text
    return b"\x81\x7f" + length.to_bytes(8, "big") + text
