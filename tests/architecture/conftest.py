"""What the tests of the architecture look at: the checkout's own files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PARTS = ("bus", "services", "shared", "sotto", "ui")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sources(root: Path) -> list[Path]:
    """Every Python file of the product."""
    return sorted(path for part in PARTS for path in (root / part).rglob("*.py"))


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Every file that is under version control; every file, in a copy that is not."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
    hidden = (path for path in root.rglob("*") if path.is_file())
    return [path for path in hidden if not any(part.startswith(".") for part in path.relative_to(root).parts)]
