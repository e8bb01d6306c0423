"""Causes: the steps of a turn as a tree, each under the event that was being handled when it was made."""

from __future__ import annotations

from collections.abc import Iterable

from ui.dashboard.step import Step

__all__ = ["indented"]

_DEEPEST = 12


def indented(steps: Iterable[Step]) -> list[tuple[int, Step]]:
    """Return the steps in their order, each with its depth: 0 where the cause is not among them."""
    depths: dict[str, int] = {}
    lines: list[tuple[int, Step]] = []
    for step in steps:
        depth = min(depths[step.cause] + 1, _DEEPEST) if step.cause in depths else 0
        depths[step.id] = depth
        lines.append((depth, step))
    return lines
