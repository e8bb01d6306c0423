"""Injection: from what a client posts to a validated event, or to the exact field that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from shared.clock import Clock
from shared.errors import SottoError
from shared.events import (
    AudioHear,
    CodecError,
    Event,
    Registry,
    ServiceCrash,
    ServiceRestart,
    Stamp,
    UnknownKind,
    decode,
)
from shared.pcm import CAPTURE_RATE

__all__ = ["PRIVILEGED", "Injection", "NotAnEvent", "Scribe"]

PRIVILEGED: tuple[type[Event], ...] = (ServiceCrash, ServiceRestart)
"""Kinds that need the admin's key."""

_ENVELOPE = {"kind", "version", *Event.model_fields}


class Injection(BaseModel):
    """An event to publish. The envelope is filled in: id, time and source are the gateway's."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(examples=["text.entered"])
    version: int | None = None
    """Of the kind; the newest unless given."""
    session: str | None = None
    """The assistant's own session unless given."""
    turn: int = Field(default=0, ge=0, le=2**53)
    fields: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"text": "what time is it", "speak": False}])
    """The kind's own fields; `GET /v1/events/schema` has them."""


class NotAnEvent(SottoError):
    """What was posted is no event; `field` is the path in it that is wrong."""

    def __init__(self, field: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.field = field


class Scribe:
    """Makes events of injections, in the name of `gateway`, caused by nothing."""

    def __init__(self, registry: Registry, clock: Clock, ids: Callable[[], str], session: str) -> None:
        self._registry = registry
        self._clock = clock
        self._ids = ids
        self._session = session

    def events(self, injections: Sequence[Injection], *, listed: bool) -> Sequence[Event]:
        """Return all of them, or raise NotAnEvent for the first that is none (`listed`: named by its place)."""
        return [self._event(one, f"{place}." if listed else "") for place, one in enumerate(injections)]

    def hear(self, pcm: bytes, session: str | None) -> AudioHear:
        """Return the request to let the microphone of a session (the assistant's own unless given) hear samples."""
        stamp = Stamp("gateway", self._clock, self._ids, self._session if session is None else session)
        return stamp(AudioHear, rate=CAPTURE_RATE, pcm=pcm)

    def _event(self, injection: Injection, path: str) -> Event:
        cls = self._class(injection, path)
        if cls.payload is not None:
            raise NotAnEvent(
                f"{path}kind",
                f"{cls.kind} carries samples, which JSON does not.",
                remedy="POST /v1/audio takes a WAV file.",
            )
        envelope = injection.fields.keys() & _ENVELOPE
        if envelope:
            name = min(envelope)
            raise NotAnEvent(f"{path}fields.{name}", f"{name} belongs to the envelope: it is not one of the fields.")
        try:
            return decode(self._registry, to_json(self._header(injection, cls)))
        except CodecError as error:
            raise NotAnEvent(path + _where(error), error.message, remedy=error.remedy) from error
        except (PydanticSerializationError, RecursionError) as error:
            raise NotAnEvent(f"{path}fields", f"{cls.kind}: this cannot be written as JSON: {error}.") from error

    def _class(self, injection: Injection, path: str) -> type[Event]:
        kind, version = injection.kind, injection.version
        try:
            newest = self._registry.latest(kind)
        except UnknownKind as error:
            raise NotAnEvent(f"{path}kind", error.message, remedy=error.remedy) from error
        if version is None or version == newest.version:
            return newest
        try:
            return self._registry.get(kind, version)
        except UnknownKind as error:
            raise NotAnEvent(f"{path}version", error.message, remedy=error.remedy) from error

    def _header(self, injection: Injection, cls: type[Event]) -> dict[str, JsonValue]:
        id = self._ids()
        return {
            "kind": cls.kind,
            "version": cls.version,
            "id": id,
            "at": self._clock.now_ns(),
            "source": "gateway",
            "session": self._session if injection.session is None else injection.session,
            "turn": injection.turn,
            "cause": None,
            "root": id,
            "trace": None,
            **injection.fields,
        }


def _where(error: CodecError) -> str:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return "fields"
    place = cause.errors(include_url=False)[0]["loc"]
    envelope = bool(place) and place[0] in Event.model_fields
    return ".".join(map(str, place if envelope else ("fields", *place)))
