"""The gateway's HTTP side: inject an event, and ask what is not told as events."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from pydantic import JsonValue

from shared.errors import SottoError

__all__ = ["Gateway", "GatewayAway", "Refused"]

_PATIENCE_S = 5.0
_LONG_PATIENCE_S = 330.0


class GatewayAway(SottoError):
    """Nobody answers at the gateway's address."""


class Refused(SottoError):
    """The gateway answered that it cannot do this."""

    def __init__(self, status: int, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class Gateway:
    """Speaks to the gateway at `url` (as http://127.0.0.1:8321), with `key` if it asks for one."""

    def __init__(self, url: str, key: str = "") -> None:
        parts, port = _parts(url)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", port
        self._key = key

    @property
    def socket(self) -> str:
        """The address of the event socket."""
        return f"{self.url.replace('http', 'ws', 1)}/v1/events"

    @property
    def headers(self) -> dict[str, str]:
        """What proves that we may."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def inject(self, kind: str, fields: Mapping[str, JsonValue], *, session: str = "", turn: int = 0) -> str:
        """Publish an event and return its id. Raises Refused (naming the field that is wrong) or GatewayAway."""
        body: dict[str, JsonValue] = {"kind": kind, "fields": dict(fields)}
        if session:
            body["session"] = session
        if turn:
            body["turn"] = turn
        return str(self.post("/v1/events", body)["id"])

    def post(self, path: str, body: Mapping[str, JsonValue] | None = None) -> Any:
        """The JSON answer of POST `path`. Raises Refused or GatewayAway."""
        return self._json("POST", path, body)

    def ask(self, path: str, **query: str | int) -> Any:
        """The JSON answer of GET `path`. Raises Refused or GatewayAway."""
        return self._json("GET", f"{quote(path)}?{urlencode(query)}" if query else quote(path))

    def again(self, session: str, **query: str) -> Any:
        """What becomes of a recorded session when it is held again; minutes may pass. Raises Refused or GatewayAway."""
        path = f"/v1/sessions/{quote(session)}/again?{urlencode(query)}"
        return self._json("GET", path, patience_s=_LONG_PATIENCE_S)

    def speak(self, wav: bytes) -> str:
        """Let the assistant's microphone hear a WAV file; returns the event's id. Raises Refused or GatewayAway."""
        return str(_read(self._exchange("POST", "/v1/audio", wav), self.url)["id"])

    def sound(self, session: str, track: str, first_sample: int, until_sample: int | None) -> bytes:
        """A recorded stretch as a WAV file, until its end with None.

        Raises Refused (with status 404 when it was not kept) or GatewayAway.
        """
        until = {} if until_sample is None else {"until_sample": until_sample}
        query = urlencode({"track": track, "first_sample": first_sample, **until})
        return self._exchange("GET", f"/v1/sessions/{quote(session)}/audio?{query}", None)

    def text(self, path: str) -> bytes:
        """The answer of GET `path` as it is. Raises Refused or GatewayAway."""
        return self._exchange("GET", path, None)

    def _json(
        self, method: str, path: str, body: Mapping[str, JsonValue] | None = None, patience_s: float = _PATIENCE_S
    ) -> Any:
        return _read(self._exchange(method, path, body, patience_s), self.url + path)

    def _exchange(
        self, method: str, path: str, body: Mapping[str, JsonValue] | bytes | None, patience_s: float = _PATIENCE_S
    ) -> bytes:
        make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = make(self._host, self._port, timeout=patience_s)
        form = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        try:
            content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, content, {"Content-Type": form, **self.headers})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise GatewayAway(
                f"No gateway answers at {self.url} ({error}).", remedy="Start Sotto: `scripts/run`, or `sotto`."
            ) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refusal(response.status, answer)
        return answer


def _read(answer: bytes, url: str) -> Any:
    try:
        return json.loads(answer)
    except ValueError as error:
        raise Refused(200, f"{url} answered what is no JSON.", remedy="Is it Sotto's gateway?") from error


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts, parts.port
    except ValueError as error:
        raise _no_address(url) from error
    raise _no_address(url)


def _no_address(url: str) -> SottoError:
    return SottoError(f"{url!r} is no address of a gateway.", remedy="Write http://127.0.0.1:8321, for example.")


def _refusal(status: int, answer: bytes) -> Refused:
    try:
        told = json.loads(answer)
    except ValueError:
        told = {}
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict):
        field = str(error.get("field") or "")
        message = str(error.get("message") or f"The gateway answered {status}.")
        return Refused(status, f"{field}: {message}" if field and field not in message else message)
    detail = told.get("detail") if isinstance(told, dict) else None
    return Refused(status, str(error or detail or f"The gateway answered {status}."))
