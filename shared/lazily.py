"""Imports that come late or not at all: what a process does not use costs it nothing."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping

__all__ = ["lazily", "without"]


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


@contextlib.contextmanager
def without(*modules: str) -> Iterator[None]:
    """Import within as if these were not installed, for a package that would take them along unasked."""
    loaded = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(dict.fromkeys(modules))  # type: ignore[arg-type]  # None is "not to be found"
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(loaded)
