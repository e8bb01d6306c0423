"""The registry knows every kind once, and names its neighbours when asked for another."""

from __future__ import annotations

import pytest

from shared.events import EVENTS, REGISTRY, Event, Registry, TextEntered, UnknownKind


def subclasses(cls: type[Event]) -> set[type[Event]]:
    return {cls} | {below for sub in cls.__subclasses__() for below in subclasses(sub)}


def test_every_kind_that_is_declared_is_registered_once() -> None:
    declared = {cls for cls in subclasses(Event) if cls.kind and cls.__module__.startswith("shared.events.")}
    assert set(REGISTRY) == set(EVENTS) == declared
    assert len(REGISTRY) == len(EVENTS)


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.kind)
def test_replies_and_payloads_name_what_exists(cls: type[Event]) -> None:
    kinds = {known.kind for known in EVENTS}
    assert set(cls.replies) <= kinds
    assert cls.payload is None or cls.model_fields[cls.payload].annotation is bytes
    assert all(field.annotation is not bytes or name == cls.payload for name, field in cls.model_fields.items())


def test_an_event_is_found_by_kind_and_version_and_the_latest_by_kind() -> None:
    assert REGISTRY.get("text.entered", 1) is REGISTRY.latest("text.entered") is TextEntered
    with pytest.raises(UnknownKind, match=r"Known: text\.entered"):
        REGISTRY.latest("text.unheard")
    with pytest.raises(UnknownKind, match=r"session\.opened"):
        REGISTRY.get("nothing.like.it", 1)


def test_a_kind_is_registered_once_and_has_a_name() -> None:
    with pytest.raises(ValueError, match="share kind"):
        Registry([TextEntered, TextEntered])
    with pytest.raises(ValueError, match="has no kind"):
        Registry([Event])
