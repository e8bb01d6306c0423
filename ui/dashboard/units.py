"""Units of metrics, as their names end, and in which of them a person reads them."""

from __future__ import annotations

__all__ = ["in_unit", "metric_of"]

_UNITS: dict[str, tuple[str, float]] = {
    "ns": ("ms", 1e-6),
    "seconds": ("s", 1.0),
    "s": ("s", 1.0),
    "ms": ("ms", 1.0),
    "bytes": ("MB", 1e-6),
    "ratio": ("%", 100.0),
    "percent": ("%", 1.0),
    "celsius": ("°C", 1.0),
    "watts": ("W", 1.0),
    "rtf": ("× real time", 1.0),
}
_SHORT = {"second": "s", "minute": "min"}


def metric_of(name: str) -> str:
    """The metric's name without its labels."""
    return name.partition("{")[0]


def in_unit(metric: str) -> tuple[str, str, float]:
    """Return (words, unit, factor): what to call it, its unit for a person, and what to multiply readings by."""
    words = metric.replace(".", " ").replace("_", " ").split()
    if "per" in words[-3:]:
        place = len(words) - words[::-1].index("per") - 1
        of = words[place + 1 :][0]
        return " ".join(words[:place]), f"{words[place - 1]}/{_SHORT.get(of, of)}", 1.0
    if len(words) > 1 and words[-1] in _UNITS:
        unit, factor = _UNITS[words[-1]]
        return " ".join(words[:-1]), unit, factor
    return " ".join(words), "count", 1.0
