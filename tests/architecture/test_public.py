"""What `bus`, `bus.journal` and `shared.events` offer is listed, sorted and complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

PACKAGES = ("bus", "bus.journal", "shared.events")
PRIVATE = {
    "bus": {
        *("TRIES", "Asking", "Backlog", "Call", "Calls", "Errand", "Errands", "Late", "Neighbours", "Reply", "Ring"),
        *("Windows", "fenced", "remember"),
    },  # how the parts of the bus speak to each other
    "bus.journal": {  # how its files are made of lines and blocks
        *("FORMAT", "Block", "Frames", "Place", "SoundWriter"),
        *("clause_name", "entries_of", "event_line", "folder_name", "forgotten_line", "header_of", "is_event"),
        *("read_block", "read_microphone", "silence", "step_line"),
    },
    "shared.events": {"beginning"},  # how the codec knows a class by its header
}


def modules(package: ModuleType) -> list[ModuleType]:
    """Its own; a package in it answers for itself."""
    found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(info.name) for info in found if not info.ispkg]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted_and_each_name_is_there(name: str) -> None:
    package = importlib.import_module(name)
    for module in (package, *modules(package)):
        constants = [n for n in module.__all__ if n.isupper()]
        classes = [n for n in module.__all__ if n[0].isupper() and n not in constants]
        functions = [n for n in module.__all__ if n[0].islower()]
        assert list(module.__all__) == sorted(constants) + sorted(classes) + sorted(functions), module.__name__
        assert not [n for n in module.__all__ if not hasattr(module, n)], module.__name__


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_offers_all_that_its_modules_do(name: str) -> None:
    package = importlib.import_module(name)
    offered = {n for module in modules(package) for n in module.__all__} - PRIVATE[name]
    missing = offered - set(package.__all__)
    assert not missing, f"{name}.__all__ lacks {sorted(missing)}"
    own = {n for n in vars(package) if not n.startswith("_") and not isinstance(getattr(package, n), ModuleType)}
    assert own - set(package.__all__) <= {"annotations"}


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_offered_is_documented(name: str) -> None:
    package = importlib.import_module(name)
    for offered in package.__all__:
        thing = getattr(package, offered)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, f"{name}.{offered} has no docstring"
