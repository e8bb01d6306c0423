"""The event socket as the scripts use it: post events, ask, watch. What goes wrong is a sentence and a way on."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shared.errors import SottoError

__all__ = ["Away", "Frame", "Refused", "Watch", "Wire", "parser", "run"]

Frame = dict[str, Any]
DEFAULT = "http://127.0.0.1:8321"
_ENVELOPE = ("id", "at", "source", "cause", "root", "trace")


class Away(SottoError):
    """Nobody answers there."""


class Refused(SottoError):
    """The gateway will not do this."""


class Watch:
    """An open event socket: an iterator over frames, and a context manager that closes it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        self._stack = contextlib.ExitStack()
        try:
            self._socket = self._stack.enter_context(
                connect(url, additional_headers=headers, proxy=None, compression=None, max_size=None)
            )
        except InvalidStatus as error:
            raise _refusal(error.response.status_code, bytes(error.response.body or b"")) from None
        except OSError as error:
            raise _away(url, error) from None
        self.hello = self.next()["hello"]

    def next(self, timeout: float | None = None) -> Frame:
        """Return the next frame. Raises TimeoutError, and Away when the socket was closed."""
        from websockets.exceptions import ConnectionClosed

        try:
            frame: Frame = json.loads(self._socket.recv(timeout))
        except ConnectionClosed as error:
            raise Away("The assistant has closed the event socket.", remedy="Is it still running?") from error
        return frame

    def __iter__(self) -> Iterator[Frame]:
        while True:
            yield self.next()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Wire:
    """A gateway at `url`, with `key` if it asks for one."""

    def __init__(self, url: str = DEFAULT, key: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def post(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Publish events, all or none; returns their ids. Raises Refused and Away."""
        ids: list[str] = self._ask("/v1/events", [injection(event) for event in events])["ids"]
        return ids

    def speak(self, wav: bytes, session: str | None = None) -> str:
        """Let the microphone hear a WAV file; returns the event's id. Raises Refused and Away."""
        query = f"?{urlencode({'session': session})}" if session else ""
        return str(self._ask(f"/v1/audio{query}", wav)["id"])

    def get(self, path: str) -> Any:
        """Return the JSON answer. Raises Refused and Away."""
        return self._ask(path, None)

    def watch(self, **query: str | int | None) -> Watch:
        """Open the event socket with `kind`, `session`, `turn` and `since`. Raises Refused and Away."""
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return Watch(f"{self._url.replace('http', 'ws', 1)}/v1/events?{asked}", self._headers)

    def _ask(self, path: str, body: object | None) -> Any:
        form = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": form, **self._headers})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(error.code, error.read()) from None
        except OSError as error:
            raise _away(self._url, error) from None


def injection(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is posted for an event as `tail.py --json` or a journal has it; one that can be posted stays so."""
    if "fields" in event:
        return dict(event)
    kept = {name: event[name] for name in ("kind", "version", "session", "turn") if name in event}
    return {**kept, "fields": {k: v for k, v in event.items() if k not in kept and k not in _ENVELOPE}}


def parser(description: str, examples: str) -> argparse.ArgumentParser:
    """The options that every script takes."""
    options = argparse.ArgumentParser(
        description=description, epilog=f"examples:\n{examples}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--url", default=DEFAULT, help=f"the gateway's address (default: {DEFAULT})")
    options.add_argument("--key", default="", help="gateway.key or gateway.admin_key, where one is needed")
    return options


def run(main: Callable[[], int]) -> int:
    """Run `main`; an error is a sentence on standard error and status 1, Ctrl-C and a closed pipe end quietly."""
    try:
        return main()
    except SottoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # else the interpreter complains about standard output at its end
        return 0


def _refusal(status: int, answer: bytes) -> Refused:
    try:
        error = json.loads(answer)["error"]
        field = f"{error['field']}: " if error["field"] else ""
        return Refused(field + str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return Refused(f"The gateway answered {status}.")


def _away(url: str, error: OSError) -> Away:
    return Away(
        f"No assistant answers at {url} ({error}).", remedy="Start one with `scripts/run`, or name another --url."
    )
