"""The registry: from (kind, version) to the event's class, and from an older version's fields to a newer's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from pydantic import JsonValue

from shared.errors import SottoError
from shared.events.base import Event

__all__ = ["Registry", "UnknownKind", "Upcaster", "beginning"]

Fields = dict[str, JsonValue]
Upcaster = Callable[[Fields], Fields]
"""From the fields of one version to those of the next; it may change its argument."""


class UnknownKind(SottoError):
    """No class is registered for the kind and version."""


class Registry:
    """An immutable map from (kind, version) to event class; an upcaster is keyed by the (kind, version) it takes."""

    def __init__(
        self, events: Iterable[type[Event]], upcasters: Mapping[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self._upcasters = dict(upcasters or {})
        self._by_key: dict[tuple[str, int], type[Event]] = {}
        self._by_beginning: dict[bytes, type[Event]] = {}
        for cls in events:
            key = (cls.kind, cls.version)
            if not cls.kind:
                raise ValueError(f"{cls.__name__} has no kind: set the class variable `kind`")
            if key in self._by_key:
                raise ValueError(f"{cls.__name__} and {self._by_key[key].__name__} share kind {key}: rename one")
            self._by_key[key] = self._by_beginning[beginning(cls)] = cls

    def extended(self, *events: type[Event]) -> Registry:
        """Return a registry that also knows `events`."""
        return Registry((*self._by_key.values(), *events), self._upcasters)

    def begun(self, begins: bytes) -> type[Event] | None:
        """Return the class whose `beginning` this is, or None."""
        return self._by_beginning.get(begins)

    def get(self, kind: str, version: int) -> type[Event]:
        """Return the class, or raise UnknownKind naming the nearest known kinds."""
        cls = self._by_key.get((kind, version))
        if cls is not None:
            return cls
        versions = sorted(v for k, v in self._by_key if k == kind)
        if versions:
            raise UnknownKind(f"{kind} has no version {version} here.", remedy=f"Known versions: {versions}.")
        domain = kind.partition(".")[0]
        near = sorted({k for k, _ in self._by_key if k.startswith(domain + ".")} or {k for k, _ in self._by_key})
        raise UnknownKind(f"There is no event kind {kind!r}.", remedy=f"Known: {', '.join(near)}.")

    def upcast(self, kind: str, version: int, fields: Fields) -> tuple[type[Event], Fields]:
        """Return the class for the fields, which upcasters brought to a version that has one; or raise UnknownKind."""
        while (kind, version) not in self._by_key and (kind, version) in self._upcasters:
            fields = self._upcasters[kind, version](fields)
            version += 1
        return self.get(kind, version), fields

    def latest(self, kind: str) -> type[Event]:
        """Return the class of the kind's highest version, or raise UnknownKind."""
        versions = [v for k, v in self._by_key if k == kind]
        return self.get(kind, max(versions, default=1))

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)


@cache
def beginning(cls: type[Event]) -> bytes:
    """How the header of such an event begins on the wire."""
    return b'{"kind":"%b","version":%d' % (cls.kind.encode(), cls.version)
