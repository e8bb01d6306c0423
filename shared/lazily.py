"""Packages whose parts are imported when they are first asked for: what a process does not use costs it nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping

__all__ = ["lazily"]


def lazily(package: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that offers, of each module (`.service`), these names (spaces between).

    A name must not be that of a module of the package: it would be hidden once that module is imported.
    """
    places = {name: module for module, offered in names.items() for name in offered.split()}

    def found(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(places[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
