"""What the gateway shows of other services, handed to it by the composition root: it knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

__all__ = ["Sources"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Each is None where its service is not part of this assistant; the route then says so."""

    models: Callable[[], Sequence[Mapping[str, str | int | None]]] | None = None
    """Lines of the models on disk and in the catalogue; looks at the disk and may block."""
    stats: Callable[[], dict[str, JsonValue]] | None = None
    """What the metrics service knows; for the event loop."""
    exposition: Callable[[], bytes] | None = None
    """The same in Prometheus's text format; for the event loop."""
    sessions: Path | None = None
    """The folder that recorded sessions are in."""
