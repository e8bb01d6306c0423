"""The gateway's HTTP side: what is asked and injected, and every refusal in words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.errors import SottoError
from ui.dashboard.gateway import Gateway, GatewayAway, Refused

ANSWERS: dict[str, tuple[int, object]] = {
    "/v1/models": (200, [{"name": "small"}]),
    "/v1/sessions/a%20b/audio?track=speaker&first_sample=1&until_sample=2": (404, {"detail": "No sound was kept."}),
    "/v1/sessions/a/again?set=dialogue.wait_ms%3D400": (200, {"turns": []}),
    "/v1/stats": (500, "broken"),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._say(*ANSWERS[self.path])

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/audio":
            self._say(202, {"id": f"{self.headers['Content-Type']} {sent.decode()}", "samples": 1})
            return
        body = json.loads(sent)
        if body["kind"] == "service.crash":
            self._say(403, {"error": {"type": "x", "field": "kind", "message": "service.crash needs the admin's key."}})
        elif not body["fields"]:
            self._say(422, {"error": {"type": "x", "field": "fields.text", "message": "Field required."}})
        else:
            told = f"{body['session']} {body['turn']} {self.headers['Authorization']}"
            self._say(202, {"id": told})

    def _say(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_speaking_and_holding_a_session_again(url):
    """Sound goes as it is; a setting is one of the query."""
    gateway = Gateway(url)
    assert gateway.speak(b"RIFF") == "application/octet-stream RIFF"
    assert gateway.again("a", set="dialogue.wait_ms=400") == {"turns": []}


def test_injecting_and_asking(url):
    """With the session, the turn and the key that it was given."""
    gateway = Gateway(url, "secret")
    assert gateway.inject("text.entered", {"text": "a"}, session="s", turn=3) == "s 3 Bearer secret"
    assert gateway.ask("/v1/models") == [{"name": "small"}]


def test_a_refusal_names_the_field(url):
    """As the gateway said it, once."""
    with pytest.raises(Refused, match=r"^fields.text: Field required\.$"):
        Gateway(url).inject("text.entered", {})
    with pytest.raises(Refused, match=r"needs the admin's key") as refused:
        Gateway(url).inject("service.crash", {"service": "stt"})
    assert refused.value.status == 403


def test_what_is_not_there_and_what_is_no_answer(url):
    """Each in words."""
    with pytest.raises(Refused, match="No sound was kept"):
        Gateway(url).sound("a b", "speaker", 1, 2)
    with pytest.raises(Refused, match="The gateway answered 500"):
        Gateway(url).ask("/v1/stats")


def test_nobody_there():
    """The address, and how to start one."""
    with pytest.raises(GatewayAway, match=r"No gateway answers at http://127.0.0.1:9 .* Start Sotto"):
        Gateway("127.0.0.1:9").ask("/v1/models")


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nowhere:port", "http://h:99999"])
def test_what_is_no_address(url):
    """It is refused before anything is tried."""
    with pytest.raises(SottoError, match="is no address of a gateway"):
        Gateway(url)
