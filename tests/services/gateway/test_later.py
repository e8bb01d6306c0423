"""A gateway that loads its web framework when somebody asks for more than probes and routes of other services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.gateway.board import Board
from services.gateway.later import Later
from services.gateway.sources import App, Receive, Scope, Send
from tests.services.gateway.conftest import House, open_house


@pytest.fixture
async def late() -> AsyncIterator[House]:
    async with open_house(on_demand=True) as opened:
        yield opened


async def test_it_answers_as_one_that_loaded_everything(late: House, house: House) -> None:
    """Probes before and after, what is not there, another method, and the description of it all."""
    for path in ("/health", "/v1/models", "/nothing", "/health", "/openapi.json"):
        answers = [await one.client.get(path) for one in (late, house)]
        assert len({(answer.status_code, answer.text) for answer in answers}) == 1, path
    answers = [await one.client.post("/health") for one in (late, house)]
    assert [answer.status_code for answer in answers] == [405, 405]
    first, second = [(await one.client.get("/ready")).json() for one in (late, house)]
    assert first == second


async def test_its_event_socket_is_watched_like_any(late: House) -> None:
    async with late.watch() as watcher:
        await watcher.hello()


async def test_probes_have_nothing_made_and_all_others_one_application() -> None:
    """Many may come at once before there is one."""
    made: list[App] = []
    served: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        served.append(scope["path"])

    def make() -> App:
        made.append(app)
        return app

    later = Later(make, Board(), "s")
    assert [await _asked(later, path) for path in ("/health", "/ready")] == [200, 200]
    assert (made, served) == ([], [])
    await asyncio.gather(*(_asked(later, f"/{n}") for n in range(8)))
    assert (len(made), sorted(served)) == (1, [f"/{n}" for n in range(8)])


async def _asked(later: Later, path: str) -> int:
    """The status that a GET is answered with; 0 where the application answers."""
    statuses = [0]

    async def send(message: dict[str, object]) -> None:
        statuses.append(int(str(message.get("status", statuses[-1]))))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    await later({"type": "http", "method": "GET", "path": path}, receive, send)  # type: ignore[arg-type]
    return statuses[-1]
