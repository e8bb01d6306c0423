"""A model hub for tests: a local server that speaks the endpoints of huggingface.co a pull uses, and can misbehave.

`HEAD` and `GET /{repo}/resolve/{revision}/{file}` with ETag, X-Linked-Etag, X-Linked-Size, X-Repo-Commit and Range;
`GET /api/models/{repo}/revision/{revision}` with the files' sizes and hashes. Files of at least `LARGE` bytes are in
large-file storage, whose ETag is the SHA-256; smaller ones have git's hash, as on the real hub.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = 1024
_RESOLVE = re.compile(r"^/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)$")
_API = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)/revision/(?P<revision>[^/]+)$")


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """What the hub has, and how it misbehaves. Use `serving()`."""

    files: dict[str, bytes] = field(default_factory=dict)
    """By `repo/path`."""
    cuts: list[int] = field(default_factory=list)
    """The next GETs are cut after so many bytes, one each."""
    stated: dict[str, str] = field(default_factory=dict)
    """Hashes to state instead of the true ones, by `repo/path`."""
    no_ranges: bool = False
    """Answer every GET whole, as some caches do."""
    status: int = 0
    """Answer everything with this status."""
    hold_at: int = 0
    """Hesitate before this byte of every longer answer, until `go_on()`."""
    seen: list[Seen] = field(default_factory=list)
    endpoint: str = ""
    _going: threading.Event = field(default_factory=threading.Event)

    def etag(self, key: str) -> str:
        data = self.files[key]
        if key in self.stated:
            return self.stated[key]
        if len(data) >= LARGE:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    def go_on(self) -> None:
        """Hesitate no more."""
        self.hold_at = 0
        self._going.set()

    def hesitate(self, patience: float = 60) -> None:
        """Wait for `go_on()`, within reason."""
        self._going.wait(patience)

    def gets(self) -> list[Seen]:
        return [request for request in self.seen if request.method == "GET"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves in the middle is what the tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serving() -> Iterator[Hub]:
    """Run a hub on a free port of loopback."""
    hub = Hub()
    server = _Server(("127.0.0.1", 0), _handler(hub))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, body: bool) -> None:
            hub.seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            resolve, api = _RESOLVE.match(self.path), _API.match(self.path)
            if hub.status:
                self._plain(hub.status, {})
            elif resolve is not None:
                self._file(f"{resolve['repo']}/{resolve['path']}", resolve["repo"], resolve["revision"], body)
            elif api is not None:
                self._listing(api["repo"], api["revision"])
            else:
                self._plain(404, {})

        def _file(self, key: str, repo: str, revision: str, body: bool) -> None:
            if key not in hub.files:
                known = any(name.startswith(repo + "/") for name in hub.files)
                self._plain(404 if known else 401, {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound"})
                return
            data = hub.files[key]
            headers = {"X-Repo-Commit": revision, "ETag": f'"{hub.etag(key)}"', "Accept-Ranges": "bytes"}
            if len(data) >= LARGE:
                headers |= {"X-Linked-Etag": f'"{hub.etag(key)}"', "X-Linked-Size": str(len(data))}
            start = self._start(data)
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.send_response(206 if start else 200)
            for name, value in {**headers, "Content-Length": str(len(data) - start)}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self._send(data[start:])

        def _start(self, data: bytes) -> int:
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            return int(asked[1]) if asked and not hub.no_ranges and self.command == "GET" else 0

        def _send(self, data: bytes) -> None:
            cut = hub.cuts.pop(0) if hub.cuts else len(data)
            held = hub.hold_at if 0 < hub.hold_at < cut else 0
            if held:
                self.wfile.write(data[:held])
                hub.hesitate()
            self.wfile.write(data[held:cut])
            if cut < len(data):
                self.wfile.flush()
                self.close_connection = True

        def _listing(self, repo: str, revision: str) -> None:
            siblings = [
                {
                    "rfilename": key.removeprefix(repo + "/"),
                    "size": len(data),
                    **({"lfs": {"sha256": hub.etag(key), "size": len(data)}} if len(data) >= LARGE else {}),
                }
                for key, data in hub.files.items()
                if key.startswith(repo + "/")
            ]
            self._plain(200, {"Content-Type": "application/json"}, {"id": repo, "sha": revision, "siblings": siblings})

        def _plain(self, status: int, headers: dict[str, str], document: object = None) -> None:
            body = json.dumps(document).encode() if document is not None else b""
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
