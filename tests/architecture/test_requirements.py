"""requirements/*.txt are what scripts/lock makes of pyproject.toml: the same names, in range, pinned and hashed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROLES = ("voice", "llm", "training", "dev")


def declared(root: Path, role: str) -> dict[str, Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"][role]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def pinned(root: Path, role: str) -> dict[str, str]:
    """Name to the whole entry: pin, marker, hashes and why it is there."""
    text = (root / "requirements" / f"{role}.txt").read_text()
    entries = re.findall(r"^(([A-Za-z0-9_.-]+)(?:\[[\w,-]+\])?==.*(?:\n .*)*)", text, re.MULTILINE)
    return {canonicalize_name(name): entry for entry, name in entries}


def version(entry: str) -> Version:
    return Version(entry.split("==", 1)[1].split(maxsplit=1)[0])


@pytest.mark.parametrize("role", ROLES)
def test_what_is_declared_is_locked_and_nothing_else_is_asked_for(root, role):
    """`scripts/lock` was run after the last change of the dependencies."""
    wanted, locked = declared(root, role), pinned(root, role)
    out_of_range = [name for name, one in wanted.items() if version(locked[name]) not in one.specifier]
    assert out_of_range == []
    asked = {name for name, entry in locked.items() if "sotto (pyproject.toml)" in entry}
    assert asked == set(wanted)


@pytest.mark.parametrize("role", ROLES)
def test_every_package_is_hashed(root, role):
    """What is installed is what was locked, byte for byte."""
    assert [name for name, entry in pinned(root, role).items() if "--hash=sha256:" not in entry] == []


def test_the_roles_agree_on_what_they_share(root):
    """Any set of roles fits into one environment."""
    versions: dict[str, set[Version]] = {}
    for role in ROLES:
        for name, entry in pinned(root, role).items():
            versions.setdefault(name, set()).add(version(entry))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
