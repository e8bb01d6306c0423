"""Plain top-level packages are convenient and can clash: nobody else may provide ours, and ours hide nobody's."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

PARTS = ("bus", "services", "shared", "sotto", "ui")


@pytest.mark.parametrize("part", PARTS)
def test_no_other_distribution_provides_a_package_of_ours(part):
    """A dependency with a `shared` of its own would be imported instead, or we instead of it."""
    others = {
        distribution.name
        for distribution in importlib.metadata.distributions()
        if distribution.name != "sotto"
        and any(file.parts[0] in (part, f"{part}.py") for file in distribution.files or ())
    }
    assert others == set()


def test_no_file_of_the_interface_bears_the_name_of_a_top_level_package(root):
    """Streamlit puts its script's folder first on the path: `ui/dashboard/bus.py` would hide the bus."""
    taken = {*PARTS, *sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
    names = {path.relative_to(root): path.stem for path in (root / "ui").rglob("*.py")}
    assert [str(path) for path, name in names.items() if name in taken] == []
