"""The event socket: one WebSocket for each watcher, fed by the hub. It says what happens and takes no orders."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import JsonValue
from pydantic_core import to_json

from bus import ReplayGap
from services.gateway.feed import Feed, Filter, Missed, NoSuchKind
from services.gateway.hub import Hub
from services.gateway.pace import Pace
from shared.errors import SottoError
from shared.events import REGISTRY

if TYPE_CHECKING:  # loads half a web framework
    from starlette.websockets import WebSocket

__all__ = ["EventSocket"]

_TRY_AGAIN_LATER = 1013
_POLICY = 1008
_WORDS = "Nothing is taken here: POST /v1/events publishes an event."


class EventSocket:
    """Serves at most `clients` watchers at a time, for each of whom `backlog` events may wait."""

    def __init__(self, hub: Hub, *, version: str, session: str, clients: int, backlog: int) -> None:
        self._hub = hub
        self._version = version
        self._session = session
        self._clients = clients
        self._backlog = backlog
        self._pace = Pace()

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
        """Tell a watcher what it asks for until it leaves; raises `web.Refusal` for what cannot be asked."""
        feed = Feed(_filter(websocket), self._backlog, _name(websocket))
        if len(self._hub.feeds) >= self._clients:
            raise _refusal(503, "too_many", f"{self._clients} watch already.", "", "Raise gateway.clients.")
        gap = self._attach(feed, websocket.query_params.get("since"))
        try:
            await self._tell(websocket, feed, gap)
        finally:
            self._hub.detach(feed)

    def _attach(self, feed: Feed, since: str | None) -> ReplayGap | None:
        try:
            self._hub.attach(feed, since)
        except ReplayGap as gap:
            self._hub.catch_up(feed)
            return gap
        return None

    async def _tell(self, websocket: WebSocket, feed: Feed, gap: ReplayGap | None) -> None:
        from starlette.websockets import WebSocketDisconnect

        try:
            await websocket.accept()
            listening = asyncio.create_task(_listen(websocket, feed), name="gateway:listen")
            try:
                await websocket.send_text(self._hello())
                if gap is not None:
                    await websocket.send_text(_json({"missed": {"count": 1, "kinds": {}, "reason": gap.message}}))
                async for item in feed:
                    await self._pace.turn()
                    await websocket.send_text(self._frame(item))
            finally:
                listening.cancel()
        except WebSocketDisconnect:
            return

    def _hello(self) -> str:
        hello = {"version": self._version, "session": self._session, "oldest": self._hub.oldest()}
        return _json({"hello": hello})

    def _frame(self, item: object) -> str:
        if isinstance(item, Missed):
            return _json({"missed": {"count": item.count, "kinds": item.kinds}})
        return f'{{"event":{self._hub.text(item)}}}'  # type: ignore[arg-type]  # what is no Missed is an event


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
    from services.gateway.web import Refusal

    return Refusal(status, type, message, field=field, remedy=remedy)


def _name(websocket: WebSocket) -> str:
    client = websocket.client
    return f"{client.host}:{client.port}" if client is not None else ""


def _json(value: object) -> str:
    return to_json(value).decode()
