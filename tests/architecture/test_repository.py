"""The checkout works anywhere: it names no registry and no machine, and its code stays in small pieces."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

FOREIGN = re.compile(
    r"files\.pythonhosted\.org|pypi\.org/simple|registry\.npmjs|--(?:extra-)?index-url|--find-links"
    r"|(?<![\w.])/(?:work|home/\w+|Users/\w+|opt/wheels)/"
)


def functions(path: Path) -> list[tuple[str, int]]:
    """Each function of a file with its length in lines, docstring not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            doc = ast.get_docstring(node) is not None
            length = (node.end_lineno or 0) - node.lineno + 1
            found.append((f"{path.name}:{node.name}", length - ((first.end_lineno or 0) - first.lineno + 1) * doc))
    return found


def test_no_registry_and_no_machine_is_named(root, tracked):
    """Whoever has a mirror configures it for all tools, and nobody's folders are in here."""
    lines = []
    for path in tracked:
        if path == Path(__file__) or b"\0" in path.read_bytes()[:8000]:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if found := FOREIGN.search(line):
                lines.append(f"{path.relative_to(root)}:{number}: {found[0]}")
    assert lines == []


def test_there_is_one_lock(tracked):
    """requirements/*.txt; a second lock file would disagree one day."""
    assert [path.name for path in tracked if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock")] == []


def test_functions_and_files_are_short(sources):
    """Half the functions have at most ten lines, nine in ten under thirty, none over sixty; no file 500."""
    lengths = [one for path in sources for one in functions(path)]
    sizes = sorted(length for _, length in lengths)
    assert [one for one in lengths if one[1] > 60] == []
    assert median(sizes) <= 10
    assert sizes[int(len(sizes) * 0.9)] < 30
    assert [path.name for path in sources if len(path.read_text().splitlines()) >= 500] == []
