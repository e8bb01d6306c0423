"""Other services answer paths of their own behind the gateway's doors."""

from __future__ import annotations

from services.gateway import Sources
from services.gateway.sources import Receive, Scope, Send
from tests.services.gateway.conftest import open_house


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body that came."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def test_a_path_of_another_service_is_answered_by_it() -> None:
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        for _ in range(2):
            assert (await house.client.post("/echo", content="hello")).text == "hello"
        assert (await house.client.get("/health")).json() == {"status": "ok"}


async def test_it_is_behind_the_same_doors_each_time() -> None:
    """Whoever was let in once does not open the door for a page, another name, or somebody without the key."""
    sources = Sources(routes=(lambda: {"/echo": echo},))
    async with open_house(sources, key="sesame", trust_local=False) as house:
        shown = {"Authorization": "Bearer sesame"}
        asked = [
            await house.client.post("/echo", content="hello", headers=headers)
            for headers in (
                shown,
                {},
                {**shown, "Origin": "http://elsewhere.example"},
                {**shown, "Host": "elsewhere.example"},
                {"Authorization": "Bearer open"},
                shown,
            )
        ]
    assert [answer.status_code for answer in asked] == [200, 401, 403, 400, 401, 200]
