"""The feed: one thread that reads the event socket into the view, and connects again by itself when it breaks."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from pydantic import JsonValue

from shared.errors import SottoError
from ui.dashboard.gateway import Gateway, Refused
from ui.dashboard.view import View

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

__all__ = ["UNHEARD", "Feed", "State"]

State = Literal["connecting", "open", "lost"]
"""`lost`: it was open or was tried, and is tried again and again."""

UNHEARD = frozenset({"audio.captured"})
"""Kinds that say nothing to a person and come fifty times a second."""
_PAUSE_S = (0.2, 0.5, 1.0, 2.0)
_RETAINED = 500
"""Frames read at most before the reading proper begins."""
_TOLD = ("service.", "model.")
_LARGEST = 8 * 1024 * 1024


class Feed:
    """Reads what `gateway` tells, from `start()` until `close()`. Any thread may look at it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.state: State = "connecting"
        self.problem = ""
        """Why it is not open, for a person."""
        self.schemas: dict[str, dict[str, JsonValue]] = {}
        """The JSON schema of each kind that the assistant knows."""
        self.connections = 0
        """How often the socket was opened."""
        self._view = View()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dashboard-feed", daemon=True)

    def start(self) -> Feed:
        """Begin to read."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread; returns when it has ended."""
        self._closing.set()
        self._thread.join()

    @contextlib.contextmanager
    def view(self) -> Iterator[View]:
        """The view, held still; take what is needed and leave."""
        with self._lock:
            yield self._view

    def answer(self, id: str, timeout: float = 5.0) -> dict[str, JsonValue] | None:
        """Wait for the event that answers the one injected as `id`; None when none came in `timeout` seconds."""
        until = time.monotonic() + timeout
        while True:
            with self.view() as view:
                found = view.answer(id)
            if found is not None or time.monotonic() > until:
                return found
            self._closing.wait(0.05)

    def _run(self) -> None:
        from websockets.exceptions import InvalidHandshake, WebSocketException

        tries = 0
        while not self._closing.is_set():
            opened = self.connections
            try:
                self._listen()
                self.problem = "The assistant closed the connection."
            except InvalidHandshake as error:
                self.problem = f"The gateway refused the event socket: {error}."
            except (OSError, WebSocketException, SottoError) as error:
                self.problem = str(error)
            self.state = "lost"
            tries = 0 if self.connections > opened else tries + 1
            self._closing.wait(_PAUSE_S[min(tries, len(_PAUSE_S) - 1)])

    def _listen(self) -> None:
        """Read until the socket closes. A first time, and after the assistant started anew, with all it remembers."""
        self._learn()
        since = self._view.last_id or self._prime()
        with self._connect(since) as socket:
            self.connections += 1
            self.state, self.problem = "open", ""
            self._read(socket)

    def _prime(self) -> str | None:
        """Fold in what services and models last said of themselves; return the id to go on from."""
        from websockets.exceptions import ConnectionClosed

        oldest = None
        with self._connect(None) as socket, contextlib.suppress(TimeoutError, ConnectionClosed):
            for _ in range(_RETAINED):
                frame = json.loads(socket.recv(timeout=0.3))
                oldest = frame.get("hello", {}).get("oldest") or oldest
                if "hello" in frame or frame.get("event", {}).get("kind", "").startswith(_TOLD):
                    self._fold(frame)
        return oldest

    def _connect(self, since: str | None) -> ClientConnection:
        from websockets.sync.client import connect

        kinds = sorted(self.schemas.keys() - UNHEARD)
        query = {"kind": ",".join(kinds)} if kinds else {}
        if since is not None:
            query["since"] = since
        return connect(
            f"{self.gateway.socket}?{urlencode(query)}",
            additional_headers=self.gateway.headers,
            max_size=_LARGEST,
            proxy=None,
            compression=None,
        )

    def _read(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        session = self._view.session
        while not self._closing.is_set():
            try:
                frame = json.loads(socket.recv(timeout=0.25))
            except TimeoutError:
                continue
            except ConnectionClosed:
                return
            self._fold(frame)
            if self._view.session != session:
                return  # another run of the assistant: begin with what it says of itself

    def _fold(self, frame: dict[str, JsonValue]) -> None:
        with self._lock:
            self._view.fold(frame)

    def _learn(self) -> None:
        """Ask which kinds exist; a gateway that will not say is listened to all the same."""
        try:
            self.schemas = self.gateway.ask("/v1/events/schema")["json_schema"]
        except (Refused, KeyError, TypeError) as error:
            self.problem = str(error)
