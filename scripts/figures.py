"""What the benchmarks print: named figures beside their goals, as a table or as JSON lines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

__all__ = ["Figure", "at_least", "at_most", "parser", "percentile", "plain", "report"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `goal` is empty for a baseline, a floor, or what is printed to be known."""

    name: str
    value: float
    unit: str
    goal: str
    ok: bool


def at_most(name: str, value: float, unit: str, bound: float) -> Figure:
    """A figure that must not exceed `bound`."""
    return Figure(name, round(value, 3), unit, f"<= {bound:g}", value <= bound)


def at_least(name: str, value: float, unit: str, bound: float) -> Figure:
    """A figure that must reach `bound`."""
    return Figure(name, round(value, 3), unit, f">= {bound:g}", value >= bound)


def plain(name: str, value: float, unit: str, goal: str = "") -> Figure:
    """A baseline, a floor, or a figure without a goal."""
    return Figure(name, round(value, 3), unit, goal, True)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` % of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark takes."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="one object a line: name, value, unit, goal, ok")
    options.add_argument("--full", action="store_true", help="the long form")
    return options


def report(figures: Iterable[Figure], *, as_json: bool) -> int:
    """Print figures as they come; returns 1 when a goal was missed."""
    missed = False
    for figure in figures:
        missed = missed or not figure.ok
        if as_json:
            print(json.dumps(asdict(figure)), flush=True)
            continue
        mark = ("ok" if figure.ok else "MISSED") if figure.goal else ""
        print(f"{figure.name:<60} {figure.value:>10.2f} {figure.unit:<8} {figure.goal:<10} {mark}", flush=True)
    return int(missed)
