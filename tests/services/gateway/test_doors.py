"""Who may come in: local programs, whoever has the key, and no page of somebody else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from websockets.exceptions import InvalidStatus

from services.gateway import GatewaySettings
from services.gateway.doors import Doors, ForeignPage, KeyNeeded, Visit, WrongHost
from tests.services.gateway.conftest import House, open_house


def visit(client: str = "127.0.0.1", key: str = "", **headers: str) -> Visit:
    return Visit(client, {"host": "127.0.0.1:8321", **headers}, key)


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost", "LOCALHOST:8321", "[::1]:8321", "192.168.1.7:80"])
def test_an_address_and_localhost_are_ours(host: str) -> None:
    """Rebinding needs a name."""
    Doors(GatewaySettings()).check_page(visit(host=host))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8321", "", "127.0.0.1.evil.example", "localhost.evil.example", "a@127.0.0.1",
     "127.0.0.1:8321/", "127.0.0.1:port", "[::1", "localhost evil.example", "127.0.0.1:999999"],
)  # fmt: skip
def test_any_other_name_is_refused(host: str) -> None:
    """A page whose name was pointed at this machine sends its own name."""
    with pytest.raises(WrongHost):
        Doors(GatewaySettings()).check_page(visit(host=host))


def test_a_name_may_be_added() -> None:
    doors = Doors(GatewaySettings(hosts=("sotto.home",)))
    doors.check_page(visit(host="Sotto.home:8321"))
    doors.check_page(visit(host="sotto.home", origin="https://sotto.home"))


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8321", "https://127.0.0.1:8321", "HTTP://127.0.0.1:8321"])
def test_our_own_pages_may_ask(origin: str) -> None:
    Doors(GatewaySettings()).check_page(visit(origin=origin))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://127.0.0.1:8322", "http://127.0.0.1:8321.evil.example", "file://"],
)
def test_pages_of_others_may_not(origin: str) -> None:
    """Not even another port of this machine."""
    with pytest.raises(ForeignPage):
        Doors(GatewaySettings()).check_page(visit(origin=origin))


def test_an_origin_may_be_added() -> None:
    Doors(GatewaySettings(origins=("https://home.example/",))).check_page(visit(origin="https://home.example"))


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_local_programs_need_no_key(client: str) -> None:
    """And may administer."""
    doors = Doors(GatewaySettings(key="sesame"))
    doors.check_key(visit(client))
    assert doors.may_administer(visit(client))


@pytest.mark.parametrize("client", ["192.168.1.7", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "", "localhost.evil"])
def test_others_do(client: str) -> None:
    doors = Doors(GatewaySettings(key="sesame", admin_key="open"))
    for wrong in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic sesame"},
        {"authorization": "sesame"},
    ):
        with pytest.raises(KeyNeeded):
            doors.check_key(visit(client, **wrong))
    doors.check_key(visit(client, authorization="bearer sesame"))
    doors.check_key(visit(client, authorization="Bearer open"))
    doors.check_key(visit(client, key="sesame"))
    assert not doors.may_administer(visit(client, authorization="Bearer sesame"))
    assert doors.may_administer(visit(client, authorization="Bearer open"))


def test_without_a_key_nobody_but_trusted_programs_comes_in() -> None:
    """An empty key opens nothing."""
    doors = Doors(GatewaySettings(trust_local=False))
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
        with pytest.raises(KeyNeeded):
            doors.check_key(visit(**headers))


def test_an_address_that_others_reach_needs_a_key() -> None:
    with pytest.raises(ValidationError, match=r"set gateway\.key"):
        GatewaySettings(host="0.0.0.0")
    with pytest.raises(ValidationError, match="empty"):
        GatewaySettings(key="")
    GatewaySettings(host="0.0.0.0", key="sesame")


@pytest.mark.parametrize(
    ("headers", "status", "type"),
    [
        ({"host": "evil.example"}, 400, "wrong_host"),
        ({"origin": "https://evil.example"}, 403, "foreign_page"),
        ({}, 401, "key_needed"),
        ({"authorization": "Bearer sesame"}, 200, ""),
    ],
)
async def test_every_route_has_the_same_doors(headers: dict[str, str], status: int, type: str) -> None:
    """Over HTTP and on the event socket; /health alone tells everybody that it lives."""
    async with open_house(key="sesame", trust_local=False) as house:
        for path in ("/ready", "/v1/events/schema", "/openapi.json"):
            answer = await house.client.get(path, headers=headers)
            assert (answer.status_code, answer.json().get("error", {}).get("type", "")) == (status, type)
        answer = await house.client.get("/health", headers=headers)
        assert answer.status_code == (200 if status == 401 else status)
        if status == 200:
            async with house.watch(additional_headers=headers) as watcher:
                await watcher.hello()
            async with house.watch("key=sesame") as watcher:
                await watcher.hello()


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:1", 403)]
)
async def test_a_page_of_somebody_else_cannot_open_the_socket(house: House, origin: str, status: int) -> None:
    """Browsers let every page open a WebSocket to anywhere: only the origin tells."""
    with pytest.raises(InvalidStatus) as refused:
        async with house.watch(origin=origin):
            pass
    assert refused.value.response.status_code == status
    async with house.watch(origin=house.url) as watcher:
        await watcher.hello()
