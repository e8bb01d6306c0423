"""A recipe: how a service is made, wherever that is done; it can be pickled as what has been made cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.contract import Service

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Calls `service` with `about`, and after it what `engines` make at that moment."""

    service: Callable[..., Service]
    about: tuple[object, ...]
    """Values: settings, folders, functions of a module."""
    engines: tuple[Callable[[], object], ...] = ()
    """Classes or functions of a module."""

    def __call__(self) -> Service:
        """Make it."""
        return self.service(*self.about, *(make() for make in self.engines))
