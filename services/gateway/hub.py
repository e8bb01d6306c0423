"""The hub: from the bus to every client's feed. It hands events over as they are published, and waits for nobody.

Without a client it does not listen at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bus import Bus, ReplayGap
from services.gateway.feed import Feed
from shared.events import Event, encode

__all__ = ["Hub"]

_TEXTS = 256
"""Events whose JSON form is kept: every client gets the same."""


class Hub:
    """See the module. Its methods belong to the event loop's thread."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feeds: dict[Feed, None] = {}
        self._routes: dict[type[Event], tuple[Feed, ...]] = {}
        self._untap: Callable[[], None] | None = None
        self._texts: dict[str, str] = {}

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The open ones, oldest first."""
        return tuple(self._feeds)

    def oldest(self) -> str | None:
        """Id of the oldest event that is remembered."""
        first = next(self._bus.replay(), None)
        return None if first is None else first.id

    def attach(self, feed: Feed, since: str | None) -> None:
        """Let `feed` have what it wants from now on, after what came later than the event `since`.

        Without `since` it first gets the retained events: what each service and model last said of itself. Nothing
        is missing and nothing comes twice. Raises ReplayGap (see `catch_up`), and then nothing was attached.
        """
        feed.begin(self._retained(feed) if since is None else self._since(feed, since))
        self._join(feed)

    def catch_up(self, feed: Feed) -> None:
        """Attach `feed` with everything that is remembered, for one whose `since` is not."""
        feed.begin(self._bus.replay(None, *feed.wanted.kinds))
        self._join(feed)

    def detach(self, feed: Feed) -> None:
        """Close the feed, and listen no more when it was the last one."""
        feed.close()
        self._feeds.pop(feed, None)
        self._routes.clear()
        if not self._feeds and self._untap is not None:
            self._untap()
            self._untap = None
            self._texts.clear()

    def text(self, event: Event) -> str:
        """Return the event's JSON form, without samples."""
        text = self._texts.get(event.id)
        if text is None:
            text = self._texts[event.id] = encode(event)[0].decode()
            if len(self._texts) > _TEXTS:
                del self._texts[next(iter(self._texts))]
        return text

    def _join(self, feed: Feed) -> None:
        self._feeds[feed] = None
        self._routes.clear()
        if self._untap is None:
            self._untap = self._bus.tap(self._deal)

    def _deal(self, event: Event) -> None:
        cls = type(event)
        feeds = self._routes.get(cls)
        if feeds is None:
            feeds = self._routes[cls] = tuple(feed for feed in self._feeds if cls in feed.wanted.kinds)
        for feed in feeds:
            feed.offer(event)

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
