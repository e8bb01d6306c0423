"""Neighbours: the processes that share the bus, as they described themselves, and whom an event concerns among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bus.core import Bus
from bus.transport import Node
from shared.events import Event, Registry

__all__ = ["Neighbours", "describe"]

_FORGOTTEN_S = 3600.0
"""Who is away for longer does not come back."""


class Neighbours:
    """See the module. `own` is the name of this process."""

    def __init__(self, own: str) -> None:
        self.nodes: Mapping[str, Node] = {}
        """All that live, this one included, by name."""
        self.era = 0
        """Another one whenever somebody reads or answers something else, comes or goes."""
        self._own = own
        self._concerns: tuple[object, object] = {}, {}
        """Of those that live, and of those that are away: what the era hangs on."""
        self._targets: dict[tuple[type[Event], str], tuple[str, ...]] = {}
        self._gone: dict[str, tuple[float, Node]] = {}
        """Those that will find in their log what they missed, and since when they are away."""
        self._missing: dict[str, tuple[str, ...]] = {}
        """Services that went away, by a kind of request that nobody answers since."""

    def update(self, nodes: Mapping[str, Node], now: float) -> tuple[list[Node], list[tuple[Node, bool]]]:
        """Take note of who lives; returns who is lost, and who joined, with whether it goes by a known name."""
        before, self.nodes = self.nodes, nodes
        lost = [node for name, node in before.items() if name not in nodes]
        self._gone |= {node.name: (now, node) for node in lost if not node.sessions}
        self._gone = {
            name: (since, node)
            for name, (since, node) in self._gone.items()
            if name not in nodes and now - since < _FORGOTTEN_S
        }
        joined = [
            (node, name in before)
            for name, node in nodes.items()
            if name != self._own and (name not in before or before[name].token != node.token)
        ]
        for node, _ in joined:
            self._missing = {kind: services for kind, services in self._missing.items() if kind not in node.serves}
        for node in lost:
            self._missing |= {kind: node.behind(kind) for kind in node.serves if not self.serving(kind)}
        concerns = _concerns(nodes.values()), _concerns(self._absent())
        if concerns != self._concerns:
            self._concerns = concerns
            self._targets.clear()
            self.era += 1
        return lost, joined

    def others(self) -> list[Node]:
        """Those that live, without this one."""
        return [node for name, node in self.nodes.items() if name != self._own]

    def serving(self, kind: str) -> list[str]:
        """Names of those that answer this kind of request."""
        return [node.name for node in self.others() if kind in node.serves]

    def serves(self, name: str, kind: str) -> bool:
        """True when that process answers this kind of request."""
        return name in self.nodes and kind in self.nodes[name].serves

    def able(self, request: Event) -> list[str]:
        """Names of those that answer this request, in this version."""
        return [name for name in self.serving(request.kind) if self.nodes[name].can_read(request)]

    def with_service(self, service: str, but: str = "") -> list[str]:
        """Names of those that run the service for us, this process included, without one of them."""
        return [
            name
            for name, node in self.nodes.items()
            if name != but and (service in node.services if name == self._own else node.runs(service))
        ]

    def missed(self, kind: str) -> tuple[str, ...]:
        """The services that are gone with the last who answered this kind of request."""
        return self._missing.get(kind, ())

    def reading(self, event: Event) -> tuple[str, ...]:
        """Names of those that read such an event, those included that will when they return."""
        slot = (type(event), event.session)
        found = self._targets.get(slot)
        if found is None:
            absent = () if event.payload else self._absent()
            found = tuple(node.name for node in (*self.others(), *absent) if self.concerns(node, event))
            self._targets[slot] = found
        return found

    def _absent(self) -> list[Node]:
        return [node for _, node in self._gone.values()]

    def concerns(self, node: Node, event: Event) -> bool:
        """True when somebody there reads it, and it is no conversation of others."""
        if not node.reads(event.kind, event.session) or not node.can_read(event):
            return False
        if not node.sessions or event.session in ("", *node.sessions):
            return True
        return not any(event.session in other.sessions for other in self.nodes.values())


def _concerns(nodes: Iterable[Node]) -> object:
    return {node.name: (node.wants, node.serves, node.versions, node.sessions) for node in nodes}


def describe(bus: Bus, registry: Registry, **about: Any) -> Node:
    """Return what a process says of itself, its wants and what it serves read off its bus."""
    readers = bus.readers()
    wants = {}
    for cls in registry:
        sessions = {session for kinds, session, _ in readers if _asks(kinds, cls)}
        if sessions:
            wants[cls.kind] = None if None in sessions else tuple(sorted(s for s in sessions if s is not None))
    requests = [cls for cls in registry if cls.replies]
    boxes = [(name, tuple(cls.kind for cls in requests if _asks(kinds, cls))) for kinds, _, name in readers if name]
    offers = {name: offered for name, offered in boxes if offered}
    serves = tuple(sorted({kind for offered in offers.values() for kind in offered}))
    newest: dict[str, int] = {}
    for cls in registry:
        newest[cls.kind] = max(cls.version, newest.get(cls.kind, 1))
    versions = {kind: version for kind, version in newest.items() if version > 1}
    return Node(wants=wants, serves=serves, offers=offers, versions=versions, **about)


def _asks(kinds: tuple[type[Event], ...], cls: type[Event]) -> bool:
    """Who reads everything is not meant to get sound."""
    return issubclass(cls, kinds) and (not cls.payload or Event not in kinds)
