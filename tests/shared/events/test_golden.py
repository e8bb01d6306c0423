"""The wire form of every kind and version is fixed by a committed file.

A changed schema needs a new version and an upcaster; `pytest tests/shared/events --write-goldens` then writes the new
version's file. Files that exist are never overwritten: delete that of a kind that was never released to redo it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from pydantic.json_schema import models_json_schema

from shared.events import EVENTS, REGISTRY, Event, decode, encode
from tests.shared.events.reflect import example

GOLDEN = Path(__file__).parent / "golden"
CHANGED = (
    "{} is not what its golden file says. Give it a new version and the registry an upcaster. (A kind that was never "
    "released: delete the file and run `pytest tests/shared/events --write-goldens`.)"
)


def path_of(cls: type[Event]) -> Path:
    return GOLDEN / f"{cls.kind}.v{cls.version}.json"


def schema(cls: type[Event]) -> JsonValue:
    """The class's JSON schema without its prose."""
    return _bare(models_json_schema([(cls, "validation")])[1])


def _bare(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    prose = () if names else ("title", "description")
    return {key: _bare(value, names=key in ("properties", "$defs")) for key, value in node.items() if key not in prose}


def golden(cls: type[Event]) -> dict[str, JsonValue]:
    header, payload = encode(example(cls))
    return {"header": json.loads(header), "payload": payload.hex(), "schema": schema(cls)}


@pytest.fixture(scope="module", autouse=True)
def _written(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--write-goldens"):
        return
    GOLDEN.mkdir(exist_ok=True)
    for cls in EVENTS:
        if not path_of(cls).exists():
            path_of(cls).write_text(json.dumps(golden(cls), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: f"{cls.kind}.v{cls.version}")
def test_every_kind_is_written_as_its_golden_file_says(cls: type[Event]) -> None:
    assert path_of(cls).exists(), f"{cls.kind} has no golden file: run `pytest tests/shared/events --write-goldens`."
    kept = json.loads(path_of(cls).read_text(encoding="utf-8"))
    assert golden(cls) == kept, CHANGED.format(f"{cls.kind} version {cls.version}")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_golden_file_ever_written_is_still_read(path: Path) -> None:
    kept = json.loads(path.read_text(encoding="utf-8"))
    event = decode(REGISTRY, json.dumps(kept["header"]), bytes.fromhex(kept["payload"]))
    assert (event.kind, event.id) == (kept["header"]["kind"], kept["header"]["id"])


def test_prose_is_no_part_of_the_schema_but_fields_of_that_name_are() -> None:
    assert _bare({"title": "x", "properties": {"title": {"title": "y", "type": "string"}}}) == {
        "properties": {"title": {"type": "string"}}
    }
