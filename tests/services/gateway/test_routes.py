"""Other services answer paths of their own behind the gateway's doors."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import pytest

from services.gateway import Sources
from services.gateway.sources import Receive, Scope, Send
from tests.services.gateway.conftest import open_house


class Echo:
    """Answers with the body that came, or with what it knows by heart."""

    def __init__(self, **by_heart: bytes) -> None:
        self.by_heart = by_heart
        self.worked_out = 0

    def known(self, raw: bytes) -> bytes | None:
        """An answer that need not be worked out."""
        return self.by_heart.get(raw.decode("latin-1"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work one out."""
        self.worked_out += 1
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


async def test_a_path_of_another_service_is_answered_by_it() -> None:
    async with open_house(Sources(routes=(lambda: {"/echo": Echo()},))) as house:
        for _ in range(2):
            assert (await house.client.post("/echo", content="hello")).text == "hello"
        assert (await house.client.get("/health")).json() == {"status": "ok"}


async def test_it_is_behind_the_same_doors_each_time() -> None:
    """Whoever was let in once does not open the door for a page, another name, or somebody without the key."""
    sources = Sources(routes=(lambda: {"/echo": Echo()},))
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


# ---- answers that are known


async def said(url: str, *pieces: bytes) -> bytes:
    """Everything that is answered to these bytes; the last of them ask for the connection to be closed."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    answer = await reader.read()
    writer.close()
    return answer


def post(body: bytes, *headers: str) -> bytes:
    head = ("POST /echo HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def bodies(answer: bytes) -> list[bytes]:
    """The bodies of answers, each of one line."""
    return [part.split(b"HTTP/1.1")[0] for part in answer.split(b"\r\n\r\n")[1:]]


async def test_what_is_known_is_not_worked_out_again() -> None:
    """For who was let in once; the answer has the same head as any other."""
    echo = Echo(hello=b"by heart")
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        first = await house.client.post("/echo", content="hello")
        second = await house.client.post("/echo", content="hello")
        other = await house.client.post("/echo", content="other")
    assert [one.text for one in (first, second, other)] == ["hello", "by heart", "other"]
    assert echo.worked_out == 2
    assert second.headers["content-type"] == "application/json"
    assert "date" in second.headers


async def test_who_has_not_come_in_is_told_nothing_that_is_known() -> None:
    echo = Echo(hello=b"by heart")
    async with open_house(Sources(routes=(lambda: {"/echo": echo},)), key="sesame", trust_local=False) as house:
        shown = {"Authorization": "Bearer sesame"}
        asked = [await house.client.post("/echo", content="hello", headers=one) for one in (shown, shown, {}, shown)]
        page = await house.client.post(
            "/echo", content="hello", headers={**shown, "Origin": "http://elsewhere.example"}
        )
        query = await house.client.post("/echo?key=open", content="hello")
    assert [one.status_code for one in asked] == [200, 200, 401, 200]
    assert asked[1].text == "by heart"
    assert (page.status_code, query.status_code) == (403, 401)


async def test_answers_leave_in_the_order_of_the_questions() -> None:
    """Of those that came in one piece, known and unknown ones."""
    echo = Echo(a=b"A", c=b"C")
    asked = [b"warm", b"a", b"b", b"c", b"a", b"d", b"c"]
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        answer = await said(house.url, b"".join(map(post, asked)) + post(b"e", "Connection: close"))
    assert [body.lower() for body in bodies(answer)] == [*asked, b"e"]


@pytest.mark.parametrize(
    "pieces",
    [
        (post(b"hello", "Connection: close"),),
        (post(b"hello", "Expect: 100-continue", "Connection: close"),),
        (post(b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"),),
        (post(b"hello").replace(b"POST", b"PUT"), post(b"bye", "Connection: close")),
    ],
)
async def test_what_is_no_plain_question_is_asked_the_long_way(pieces: tuple[bytes, ...]) -> None:
    echo = Echo(hello=b"by heart")
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        answer = await said(house.url, *pieces)
    assert b"hello" in answer
    assert b"by heart" not in answer


async def test_a_body_that_comes_in_pieces_is_known_when_it_is_whole() -> None:
    """One that is too long to be known is handed over with what was read of it."""
    echo, long = Echo(hello=b"by heart"), b"x" * 300_000
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        chunked = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"
        pieces = (chunked, b"3\r\nllo\r\n0\r\n\r\n", post(long), post(b"bye", "Connection: close"))
        answer = await said(house.url, *pieces)
    assert bodies(answer) == [b"by heart", long, b"bye"]


async def test_who_asks_but_does_not_read_is_not_answered_for_ever() -> None:
    """What is known waits like any other answer until somebody takes it; then all of it comes, in order."""
    echo = Echo(hello=b"by heart" * 1000)
    count = 2000
    async with open_house(Sources(routes=(lambda: {"/echo": echo},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        before = echo.worked_out
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port, limit=1024)
        writer.write(post(b"hello") * count + post(b"bye", "Connection: close"))
        while echo.worked_out == before:  # it stopped to answer at once
            await asyncio.sleep(0.01)
        answer = await reader.read()
        writer.close()
    assert bodies(answer)[-1] == b"bye"
    assert len(bodies(answer)) == count + 1


class Patient(Echo):
    """Answers when it is told to, and notices who left."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/echo" and self.worked_out:
            await receive()
            self.asked.set()
            going, leaving = asyncio.create_task(self.go.wait()), asyncio.ensure_future(receive())
            await asyncio.wait([going, leaving], return_when=asyncio.FIRST_COMPLETED)
            going.cancel()
            if leaving.done() and leaving.result()["type"] == "http.disconnect":
                self.left.set()
            leaving.cancel()
        self.worked_out += 1
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})


async def test_who_leaves_while_it_is_worked_out_is_noticed() -> None:
    route = Patient()
    async with open_house(Sources(routes=(lambda: {"/echo": route},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port)
        writer.write(post(b"hello"))
        await route.asked.wait()
        writer.close()
        await route.left.wait()


async def test_what_is_asked_meanwhile_waits_its_turn() -> None:
    """On the same connection, whichever way it goes."""
    route = Patient()
    async with open_house(Sources(routes=(lambda: {"/echo": route},))) as house:
        await said(house.url, post(b"x", "Connection: close"))
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port)
        writer.write(post(b"hello"))
        await route.asked.wait()
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await writer.drain()
        route.go.set()
        answer = await reader.read()
        writer.close()
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"201", b"200"]
