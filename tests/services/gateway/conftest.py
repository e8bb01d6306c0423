"""A gateway on a bus of its own, asked over real sockets on loopback."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import AsyncClient
from websockets.asyncio.client import ClientConnection, connect

from bus import Bus
from services.gateway import GatewayService, GatewaySettings, Sources
from services.testing import Bench, running
from shared.events import GatewayOpened

Frame = dict[str, Any]


class Watcher:
    """A WebSocket that reads frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def frame(self) -> Frame:
        """The next frame, whatever it is."""
        return json.loads(await self.connection.recv())  # type: ignore[no-any-return]

    async def hello(self) -> Frame:
        frame: Frame = (await self.frame())["hello"]
        return frame

    async def event(self) -> Frame:
        frame: Frame = (await self.frame())["event"]
        return frame


@dataclass
class House:
    """An open gateway: its bench, a client, and what opens event sockets."""

    bench: Bench
    service: GatewayService
    client: AsyncClient
    url: str

    @contextlib.asynccontextmanager
    async def watch(self, query: str = "", **options: Any) -> AsyncIterator[Watcher]:
        """Open an event socket; the hello is left to read."""
        address = f"{self.url.replace('http', 'ws', 1)}/v1/events?{query}"
        async with connect(address, **options) as connection:
            yield Watcher(connection)

    async def post(self, body: Any, **options: Any) -> tuple[int, Any]:
        """Inject and return the status and the answer."""
        answer = await self.client.post("/v1/events", json=body, **options)
        return answer.status_code, answer.json()


OpenHouse = Callable[..., contextlib.AbstractAsyncContextManager[House]]


@contextlib.asynccontextmanager
async def open_house(
    sources: Sources | None = None, *, bus: Bus | None = None, on_demand: bool = False, **settings: Any
) -> AsyncIterator[House]:
    service = GatewayService(GatewaySettings(port=0, **settings), sources, on_demand=on_demand)
    async with running(service, bus=bus, wait_ready=False) as bench:
        opened = await bench.next(GatewayOpened, timeout=60)  # it loads a web framework first
        async with AsyncClient(base_url=opened.url, timeout=60) as client:
            yield House(bench, service, client, opened.url)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A gateway with the settings that everybody has."""
    async with open_house() as opened:
        yield opened
