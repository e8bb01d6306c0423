"""The wire form: a JSON header with kind and version, raw payload bytes beside it, and the mapping to CloudEvents.

`decode(registry, *encode(event))` is the event itself. Unknown fields, kinds and versions are refused here, an older
version is brought up to date by the registry's upcasters; links that only pass events on never decode them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from shared.errors import SottoError
from shared.events.base import Event
from shared.events.registry import Registry, beginning

__all__ = ["CodecError", "decode", "encode", "from_cloudevent", "to_cloudevent"]

_ENVELOPE = frozenset(Event.model_fields)
_ID = b',"id":'
"""What follows the beginning of a header as `encode` writes it."""
_TYPE = re.compile(r"sotto\.(?P<kind>.+)\.v(?P<version>\d{1,9})")
_TIME = re.compile(r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.(?P<fraction>\d{1,9}))?Z")


class CodecError(SottoError):
    """It is no valid event; the message names the field that is wrong."""


def encode(event: Event) -> tuple[bytes, bytes]:
    """Return the event as (JSON header in UTF-8, payload bytes); the payload is empty for kinds without one.

    Raises CodecError for text that has no UTF-8 form (lone surrogates).
    """
    cls = type(event)
    payload = cls.payload
    try:
        # Not through model_dump_json, which costs as much again.
        body = cls.__pydantic_serializer__.to_json(event, exclude={payload} if payload else None)
    except PydanticSerializationError as error:
        raise CodecError(f"{event.kind} {event.id} cannot be written: {error}.") from error
    header = b"%b,%b" % (beginning(cls), body[1:])
    return header, bytes(getattr(event, payload)) if payload else b""


def decode(registry: Registry, header: bytes | str, payload: bytes = b"") -> Event:
    """Return the event of a header and its payload; raise CodecError or UnknownKind, never half an event."""
    event = _decoded_at_once(registry, header) if isinstance(header, bytes) and not payload else None
    if event is not None:
        return event
    try:
        fields = from_json(header, allow_inf_nan=False)
    except ValueError as error:
        raise CodecError(f"The event's header is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise CodecError(f"The event's header must be a JSON object, not {type(fields).__name__}.")
    kind, version = fields.pop("kind", None), fields.pop("version", None)
    if not isinstance(kind, str) or type(version) is not int:
        raise CodecError("The event's header needs `kind` (text) and `version` (a whole number).")
    cls, fields = _current(registry, kind, version, fields)
    if cls.payload is None:
        if payload:
            raise CodecError(f"{kind} carries no payload, but {len(payload)} bytes came with it.")
        return _validated(cls, fields)
    if cls.payload in fields:
        raise CodecError(f"{kind}: {cls.payload}: the payload travels beside the header, not in it.")
    event = _validated(cls, {**fields, cls.payload: ""})
    return cls.model_validate({**event.__dict__, cls.payload: payload})


def _decoded_at_once(registry: Registry, header: bytes) -> Event | None:
    """What our own `encode` wrote of a kind without a payload, read once; None for all else, and for what is wrong."""
    begins, id, rest = header.partition(_ID)
    cls = registry.begun(begins)
    if cls is None or cls.payload is not None:
        return None
    try:
        event: Event = cls.__pydantic_validator__.validate_json(b"{%b%b" % (id[1:], rest), strict=True)
    except ValidationError:
        return None
    return event


def to_cloudevent(event: Event) -> dict[str, JsonValue]:
    """Return the event as a CloudEvents 1.0 JSON object.

    Its own fields are `data`; those of a kind with a payload are the attribute `sottoheader` (JSON text), because
    `data_base64` holds the payload. Raises CodecError for a time outside of the years 1 to 9999.
    """
    header, payload = encode(event)
    data = {name: value for name, value in json.loads(header).items() if name not in _ENVELOPE | {"kind", "version"}}
    cloud: dict[str, JsonValue] = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/sotto/{event.source}",
        "type": f"sotto.{event.kind}.v{event.version}",
        "time": _time(event.at),
        "sottosession": event.session,
        "sottoturn": event.turn,
        "sottoroot": event.root,
    }
    if event.cause is not None:
        cloud["sottocause"] = event.cause
    if event.trace is not None:
        cloud["traceparent"] = event.trace
    if event.payload is None:
        return cloud | {"datacontenttype": "application/json", "data": data}
    return cloud | {
        "datacontenttype": "application/octet-stream",
        "sottoheader": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        "data_base64": base64.b64encode(payload).decode(),
    }


def from_cloudevent(registry: Registry, cloud: Mapping[str, JsonValue]) -> Event:
    """The inverse of `to_cloudevent`; raises CodecError or UnknownKind."""
    type_ = _TYPE.fullmatch(str(cloud.get("type")))
    if type_ is None:
        raise CodecError(f"type: {cloud.get('type')!r} is not of the form sotto.KIND.vVERSION.")
    data, payload = _data(cloud)
    header = {
        "kind": type_["kind"],
        "version": int(type_["version"]),
        "id": cloud.get("id"),
        "at": _ns(cloud.get("time")),
        "source": str(cloud.get("source", "")).removeprefix("/sotto/"),
        "session": cloud.get("sottosession"),
        "turn": cloud.get("sottoturn"),
        "cause": cloud.get("sottocause"),
        "root": cloud.get("sottoroot"),
        "trace": cloud.get("traceparent"),
    }
    twice = data.keys() & header.keys()
    if twice:
        raise CodecError(f"data: {min(twice)} belongs to the CloudEvent's attributes.")
    return decode(registry, to_json(header | data), payload)


def _current(
    registry: Registry, kind: str, version: int, fields: dict[str, JsonValue]
) -> tuple[type[Event], dict[str, JsonValue]]:
    try:
        return registry.upcast(kind, version, fields)
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"{kind}: version {version} cannot be brought up to date: {error!r}.") from error


def _validated(cls: type[Event], fields: dict[str, JsonValue]) -> Event:
    try:
        # JSON mode is strict about types, and knows that a list is a tuple there.
        return cls.model_validate_json(to_json(fields), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the event"
        raise CodecError(
            f"{cls.kind}: {where}: {first['msg']}.", remedy="See the kind's fields in shared/events."
        ) from error


def _data(cloud: Mapping[str, JsonValue]) -> tuple[dict[str, JsonValue], bytes]:
    """The event's own fields, and its payload."""
    data, payload = cloud.get("data"), b""
    if "data_base64" in cloud:
        try:
            payload = base64.b64decode(str(cloud["data_base64"]), validate=True)
            data = from_json(str(cloud.get("sottoheader")), allow_inf_nan=False)
        except ValueError as error:
            raise CodecError(f"data_base64, sottoheader: {error}.") from error
    if not isinstance(data, dict):
        raise CodecError("data: the event's own fields must be a JSON object.")
    return data, payload


def _time(at: int) -> str:
    """Unix ns as RFC 3339."""
    seconds, ns = divmod(at, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise CodecError(f"at: {at} ns is outside of the years 1 to 9999.") from error
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}.{ns:09d}Z"


def _ns(time: JsonValue) -> int:
    """The inverse of `_time`."""
    match = _TIME.fullmatch(str(time))
    if match is None:
        raise CodecError(f"time: {time!r} is not an RFC 3339 time in UTC (2026-01-31T12:00:00.123456789Z).")
    try:
        moment = datetime.fromisoformat(match["seconds"]).replace(tzinfo=UTC)
    except ValueError as error:
        raise CodecError(f"time: {error}.") from error
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return int(seconds) * 1_000_000_000 + int((match["fraction"] or "0").ljust(9, "0"))
