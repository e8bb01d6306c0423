"""Export and import: everything that is remembered as JSON lines, one item a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from services.memory.errors import ImportRefused
from services.memory.item import Item
from services.memory.store import Store

__all__ = ["exported", "imported"]

_ITEM = TypeAdapter(Item)


def exported(store: Store) -> Iterator[str]:
    """Yield a line for each fact and turn, superseded ones too, the oldest first. Documents are their files."""
    for item in store.everything(what=("fact", "turn")):
        yield to_json(asdict(item)).decode()


def imported(store: Store, lines: Iterable[str]) -> int:
    """Keep the items of an export; those that are there already are left as they are. Returns how many came.

    Every line is read before the first is kept: raises ImportRefused naming the line, and nothing is taken.
    """
    items: list[Item] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = _ITEM.validate_json(line, strict=True)
        except (ValidationError, ValueError) as error:
            first = str(error).splitlines()
            raise ImportRefused(
                f"Line {number} is no exported memory: {' '.join(first[:3])}.",
                remedy="Import what `sotto memory export` wrote.",
            ) from error
        if item.what == "document":
            raise ImportRefused(f"Line {number} is a passage of a file.", remedy="Add the file: sotto memory add FILE.")
        items.append(item)
    return store.restore(items)
