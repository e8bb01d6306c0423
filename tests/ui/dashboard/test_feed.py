"""The feed: it reads a real socket in its thread, and connects again by itself."""

from __future__ import annotations

import http
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from shared.events import ServiceReady, TextEntered, TurnStarted
from tests.ui.dashboard.socket_kit import Frames
from ui.dashboard.feed import Feed
from ui.dashboard.gateway import Gateway


class Stage:
    """A gateway that tells what it is given: what is retained without `since`, all that came after it with one."""

    def __init__(self, frames: Frames, port: int = 0) -> None:
        self.frames = frames
        self.retained: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.asked: list[dict[str, list[str]]] = []
        self.over = threading.Event()
        self._server: Server = serve(self._tell, "127.0.0.1", port, process_request=self._answer)
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/v1/events/schema":
            return None
        body = json.dumps({"json_schema": {"turn.started": {}, "audio.captured": {}}}).encode()
        headers = Headers([("Content-Length", str(len(body))), ("Connection", "close")])
        return Response(http.HTTPStatus.OK, "OK", headers, body)

    def _tell(self, connection: ServerConnection) -> None:
        asked = parse_qs(urlsplit(connection.request.path).query)
        self.asked.append(asked)
        connection.send(json.dumps(self.frames.hello(oldest="oldest")))
        since = asked.get("since", [None])[0]
        ids = [frame["event"]["id"] for frame in self.log]
        start = ids.index(since) + 1 if since in ids else 0
        for frame in self.retained if since is None else self.log[start:]:
            connection.send(json.dumps(frame))
        self.over.wait()


@pytest.fixture
def stages() -> Iterator[list[Stage]]:
    opened: list[Stage] = []
    yield opened
    for stage in opened:
        stage.close()


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def turns(feed: Feed) -> list[tuple[str, int]]:
    with feed.view() as view:
        return list(view.turns)


def test_a_first_connection_gets_what_is_and_what_was(stages):
    """First what services said of themselves, then all that is remembered; never the microphone's frames."""
    stage = Stage(Frames())
    stages.append(stage)
    stage.retained = [stage.frames.event(ServiceReady, service="stt")]
    stage.log = [stage.frames.event(TurnStarted, turn=1, reason="text", first_sample=0)]
    feed = Feed(Gateway(f"http://127.0.0.1:{stage.port}")).start()
    try:
        wait(lambda: turns(feed) == [("one", 1)])
        assert (feed.state, feed.problem) == ("open", "")
        with feed.view() as view:
            assert view.services["stt"].state == "ready"
        assert [asked.get("since") for asked in stage.asked] == [None, ["oldest"]]
        assert stage.asked[1]["kind"] == ["turn.started"]
    finally:
        stage.over.set()
        feed.close()


def test_a_broken_connection_goes_on_where_it_was(stages):
    """It asks for what came after the last event it has; nothing comes twice."""
    frames = Frames()
    first = Stage(frames)
    stages.append(first)
    first.log = [frames.event(TextEntered, text="a", speak=False), frames.event(ServiceReady, service="llm")]
    feed = Feed(Gateway(f"http://127.0.0.1:{first.port}")).start()
    try:
        wait(lambda: feed.state == "open")
        wait(lambda: "llm" in services(feed))
        first.close()
        stages.remove(first)
        wait(lambda: feed.state == "lost")
        second = Stage(frames, first.port)
        stages.append(second)
        second.log = [*first.log, frames.event(ServiceReady, service="tts")]
        wait(lambda: "tts" in services(feed))
        assert second.asked[0]["since"] == [first.log[-1]["event"]["id"]]
        assert feed.connections == 2
    finally:
        for stage in stages:
            stage.over.set()
        feed.close()


def services(feed: Feed) -> list[str]:
    with feed.view() as view:
        return list(view.services)


def test_another_run_is_read_from_its_beginning(stages):
    """What the new one remembers, besides what the old one said."""
    first = Stage(Frames("one"))
    stages.append(first)
    first.log = [first.frames.event(TurnStarted, turn=1, reason="text", first_sample=0)]
    feed = Feed(Gateway(f"http://127.0.0.1:{first.port}")).start()
    try:
        wait(lambda: turns(feed) == [("one", 1)])
        first.close()
        stages.remove(first)
        second = Stage(Frames("two"), first.port)
        stages.append(second)
        second.log = [second.frames.event(TurnStarted, turn=1, reason="text", first_sample=0)]
        wait(lambda: turns(feed) == [("one", 1), ("two", 1)])
    finally:
        for stage in stages:
            stage.over.set()
        feed.close()


def test_nobody_there_is_told_with_a_way_on():
    """And it keeps trying."""
    feed = Feed(Gateway("http://127.0.0.1:9")).start()
    try:
        wait(lambda: feed.state == "lost")
        assert "No gateway answers at http://127.0.0.1:9" in feed.problem
        assert "`scripts/run`" in feed.problem
    finally:
        feed.close()
