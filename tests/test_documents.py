"""The documents are true: their code runs, their commands and files exist."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def blocks(document: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(document.read_text()) if found == language]


@pytest.fixture(scope="module")
def first_service() -> dict[str, Any]:
    """What the Python of CONTRIBUTING.md defines."""
    source = "\n".join(blocks(ROOT / "CONTRIBUTING.md", "python"))
    namespace: dict[str, Any] = {"__name__": "contributing"}
    exec(compile(source, "CONTRIBUTING.md", "exec"), namespace)
    return namespace


async def test_the_first_service_works_as_its_own_test_says(first_service):
    """The service and its test, as they stand in CONTRIBUTING.md."""
    await first_service["test_a_whole_answer_is_applauded"]()


def test_the_first_service_has_fifteen_lines():
    """As promised; blank lines are free."""
    service = blocks(ROOT / "CONTRIBUTING.md", "python")[0]
    assert len([line for line in service.splitlines() if line.strip()]) <= 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_script_that_a_document_names_can_be_run(document):
    """`$ scripts/run` and the like exist, are executable, and the test files they name exist."""
    missing = []
    for block in blocks(document, "console"):
        for line in block.splitlines():
            for word in shlex.split(line.removeprefix("$ "), comments=True) if line.startswith("$ ") else ():
                path = ROOT / word
                if word.startswith("scripts/") and not (path.suffix == ".py" or os.access(path, os.X_OK)):
                    missing.append(word)
                if word.startswith(("scripts/", "tests/")) and not path.exists():
                    missing.append(word)
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(document):
    """Relative to the document that holds it."""
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_every_file_that_is_named_exists(document):
    """A path in backticks with a slash and a known ending, or of a folder of ours."""
    named = re.findall(
        r"`((?:bus|services|shared|scripts|tests|docs|ui|requirements)/[\w./-]+)`", (ROOT / document).read_text()
    )
    assert [name for name in named if not re.search(r"NAME|/X", name) and not (ROOT / name).exists()] == []
