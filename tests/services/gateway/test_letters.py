"""Events that were given up between processes are listed and sent again through the gateway."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from bus.transport import Letter, RedisTransport
from services.gateway import Sources
from services.link import LinkSettings, dead, retry
from tests.kit.redis_server import RedisServer, redis_server
from tests.services.gateway.conftest import open_house

HEADER = b'{"kind":"embed.request","id":"e-1"}'


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def sources(server: RedisServer) -> Sources:
    """What the composition root hands over where processes share a bus."""
    settings = LinkSettings.model_validate({"url": server.url})
    return Sources(dead=functools.partial(dead, settings), retry=functools.partial(retry, settings))


async def give_up(server: RedisServer) -> None:
    transport = RedisTransport(server.url, "kitchen")
    try:
        await transport.living()
        await transport.letters.put(Letter(HEADER, b"", "it ended three processes", "kitchen"))
    finally:
        await transport.close()


async def test_they_are_listed_and_sent_again(server: RedisServer, sources: Sources) -> None:
    """Once: what got another try is no longer among the dead."""
    await give_up(server)
    async with open_house(sources) as house:
        (letter,) = (await house.client.get("/v1/dead")).json()
        assert (letter["event"]["kind"], letter["to"]) == ("embed.request", "kitchen")
        assert letter["reason"] == "it ended three processes"
        path = f"/v1/dead/{letter['entry']}/retry"
        sent = await house.client.post(path)
        assert (sent.status_code, sent.json()) == (202, {"entry": letter["entry"], "to": "kitchen"})
        assert (await house.client.get("/v1/dead")).json() == []
        again = await house.client.post(path)
        assert (again.status_code, again.json()["error"]["field"]) == (404, "entry")


async def test_only_who_may_administer_sends_them_again(sources: Sources) -> None:
    async with open_house(sources, key="sesame", trust_local=False) as house:
        shown = {"Authorization": "Bearer sesame"}
        assert (await house.client.get("/v1/dead", headers=shown)).status_code == 200
        refused = await house.client.post("/v1/dead/1-0/retry", headers=shown)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "admin_key_needed")


async def test_without_a_bus_and_without_its_redis_it_is_said() -> None:
    """In words, with what to do."""
    away = LinkSettings.model_validate({"url": "unix:///nowhere/redis.sock"})
    async with open_house() as house:
        none = await house.client.get("/v1/dead")
        assert (none.status_code, none.json()["error"]["type"]) == (404, "no_bus")
        assert (await house.client.post("/v1/dead/1-0/retry")).status_code == 404
        assert (await house.client.post("/v1/dead/nothing/retry")).status_code == 422
    async with open_house(Sources(dead=functools.partial(dead, away))) as house:
        gone = await house.client.get("/v1/dead")
        assert (gone.status_code, gone.json()["error"]["type"]) == (503, "no_bus_now")
