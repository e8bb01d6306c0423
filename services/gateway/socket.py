"""The event socket: one WebSocket for each watcher, fed by the hub. It says what happens and takes no orders."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue
from pydantic_core import to_json

from bus import ReplayGap
from services.gateway.feed import Feed, Filter, Missed, NoSuchKind
from services.gateway.hub import Hub, text_frame
from services.gateway.pace import Pace
from shared.errors import SottoError
from shared.events import REGISTRY, Event

if TYPE_CHECKING:  # loads half a web framework, and numpy
    from starlette.websockets import WebSocket

    from services.gateway.recorded import Shelf

__all__ = ["EXTENSION", "EventSocket"]

EXTENSION = "sotto.frames"
"""Where the scope of a WebSocket holds the function that writes frames as they are (see `services.gateway.frames`)."""

_POLICY = 1008
_WRITE = 32 * 1024
"""Bytes of frames that are written at a time, give or take one frame."""
_TRICKLE = 4 * 1024
"""The same for those who do not keep up."""
_PAGE = 500
"""Recorded events that are read at a time."""
_WORDS = "Nothing is taken here: POST /v1/events publishes an event."


class EventSocket:
    """Serves at most `clients` watchers at a time, for each of whom `backlog` events may wait.

    What is asked for and the bus remembers no more comes from the session's recording on `shelf`, if there is one.
    """

    def __init__(
        self, hub: Hub, *, version: str, session: str, clients: int, backlog: int, shelf: Shelf | None = None
    ) -> None:
        self._hub = hub
        self._shelf = shelf
        self._version = version
        self._session = session
        self._clients = clients
        self._backlog = backlog
        self._pace = Pace()
        self._trickle = Pace(rate=120, burst=1)
        """For those who do not keep up: they get the newest and are told of the rest, and cost nearly nothing."""
        self._watchers = 0

    def clients(self) -> list[JsonValue]:
        """The account of each watcher."""
        return [
            {
                "client": feed.client,
                "offered": feed.offered,
                "delivered": feed.delivered,
                "dropped": feed.dropped,
                "queued": feed.queued,
            }
            for feed in self._hub.feeds
        ]

    async def serve(self, websocket: WebSocket) -> None:
        """Tell a watcher what it asks for until it leaves; raises Refusal for what cannot be asked."""
        feed = Feed(_filter(websocket), self._backlog, _name(websocket))
        if self._watchers >= self._clients:
            raise _refusal(503, "too_many", f"{self._clients} watch already.", "", "Raise gateway.clients.")
        self._watchers += 1
        try:
            await self._tell(websocket, feed)
        finally:
            self._watchers -= 1
            self._hub.detach(feed)

    async def _tell(self, websocket: WebSocket, feed: Feed) -> None:
        from starlette.websockets import WebSocketDisconnect

        try:
            await websocket.accept()
            listening = asyncio.create_task(_listen(websocket, feed), name="gateway:listen")
            try:
                await websocket.send_text(self._hello())
                await self._attach(websocket, feed, websocket.query_params.get("since"))
                await self._follow(feed, websocket.scope["extensions"][EXTENSION])
            finally:
                listening.cancel()
        except WebSocketDisconnect:
            return

    async def _follow(self, feed: Feed, write: Callable[[bytes], Awaitable[bool]]) -> None:
        """Tell what the feed has, as much at a time as waits, until it is closed or the watcher leaves."""
        feed.wake = self._pace.serve  # so nobody is woken before there is a place for what it has to write
        while True:
            pace, most = (self._trickle, _TRICKLE) if feed.slow else (self._pace, _WRITE)
            if not feed.idle:
                await pace.turn()
            if not await feed.something():
                return
            frames, length = [], 0
            while length < most and (item := feed.take()) is not None:
                frames.append(self._frame(item))
                length += len(frames[-1])
            if not await write(b"".join(frames)):
                return

    async def _attach(self, websocket: WebSocket, feed: Feed, since: str | None) -> None:
        """Let the feed begin after `since`: with what the bus remembers, and before that with what was recorded."""
        try:
            self._hub.attach(feed, since)
        except ReplayGap as gap:
            assert since is not None, "without it nothing can be missing"
            if await self._recall(websocket, feed, since):
                return
            self._hub.catch_up(feed)
            await websocket.send_text(_json({"missed": {"count": 1, "kinds": {}, "reason": gap.message}}))

    async def _recall(self, websocket: WebSocket, feed: Feed, since: str) -> bool:
        """Tell what the journal holds after `since` until the bus goes on from there; False when it never does."""
        sound: set[str] = set()
        """What was told since the last event without samples: of these the bus remembers too few to go on from."""
        async for page in self._recorded(since):
            for event in page:
                if feed.wanted.wants_all(type(event), event.session, event.turn):
                    await self._pace.turn()
                    if not await websocket.scope["extensions"][EXTENSION](self._hub.frame(event)):
                        return True
                since, sound = (event.id, set()) if event.payload is None else (since, sound | {event.id})
            with contextlib.suppress(ReplayGap):
                self._hub.attach(feed, since, but=sound)
                return True
        return False

    async def _recorded(self, since: str) -> AsyncIterator[Sequence[Event]]:
        """What the journal holds after `since`, page by page; nothing when it does not know it."""
        if self._shelf is None:
            return
        shelf, session = self._shelf, self._session
        with contextlib.suppress(SottoError):
            events = await asyncio.to_thread(shelf.after, session, since)
            while page := await asyncio.to_thread(lambda: tuple(itertools.islice(events, _PAGE))):
                yield page

    def _hello(self) -> str:
        hello = {"version": self._version, "session": self._session, "oldest": self._hub.oldest()}
        return _json({"hello": hello})

    def _frame(self, item: Event | Missed) -> bytes:
        if isinstance(item, Missed):
            return text_frame(to_json({"missed": {"count": item.count, "kinds": item.kinds}}))
        return self._hub.frame(item)


async def _listen(websocket: WebSocket, feed: Feed) -> None:
    """End the feed when the watcher leaves, and send away one that talks."""
    message = await websocket.receive()
    if message["type"] != "websocket.disconnect":
        await websocket.send_text(_json({"error": {"type": "read_only", "field": "", "message": _WORDS}}))
        await websocket.close(_POLICY, _WORDS)
    feed.close()


def _filter(websocket: WebSocket) -> Filter:
    asked = websocket.query_params
    turn = asked.get("turn")
    if turn is not None and not (turn.isascii() and turn.isdecimal() and len(turn) < 16):
        raise _refusal(422, "invalid", f"turn: {turn!r} is not a whole number.", "turn")
    try:
        return Filter.of(REGISTRY, asked.get("kind", ""), asked.get("session"), None if turn is None else int(turn))
    except NoSuchKind as error:
        raise _refusal(422, "invalid", error.message, "kind", error.remedy) from error


def _refusal(status: int, type: str, message: str, field: str, remedy: str = "") -> SottoError:
    from services.gateway.refusal import Refusal

    return Refusal(status, type, message, field=field, remedy=remedy)


def _name(websocket: WebSocket) -> str:
    client = websocket.client
    return f"{client.host}:{client.port}" if client is not None else ""


def _json(value: object) -> str:
    return to_json(value).decode()
