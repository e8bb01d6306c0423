"""The look: the style sheet in `look`, and the small pieces of HTML that pages are made of, with all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Literal

__all__ = [
    "ICON",
    "LOGO",
    "MENU",
    "STYLE",
    "Tone",
    "aside",
    "bar",
    "chip",
    "day",
    "duration",
    "empty",
    "facts",
    "html",
    "moment",
    "notice",
    "prose",
    "rows",
    "size",
]

_LOOK = Path(__file__).with_name("look")
ICON, LOGO, MENU, STYLE = (_LOOK / name for name in ("icon.svg", "logo.svg", "menu.html", "style.css"))

Tone = Literal["good", "busy", "warn", "bad", "mute", "main"]


def html(body: str) -> str:
    """Wrap pieces so that the style sheet applies to them."""
    return f'<div class="s">{body}</div>'


def chip(text: str, tone: Tone = "mute") -> str:
    """A state in a word, with a dot of its colour."""
    return f'<span class="s-chip {_tone(tone)}">{escape(text)}</span>'


def notice(title: str, text: str = "", *, tone: Tone = "busy", command: str = "") -> str:
    """What happened, and the command that helps."""
    body = f"<b>{escape(title)}</b>{prose(text)}"
    if command:
        body += f" <code>{escape(command)}</code>"
    return html(f'<div class="s-notice {_tone(tone)}" role="status">{body}</div>')


def prose(text: str) -> str:
    """A sentence with `commands` in it, set as such."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def bar(parts: Sequence[tuple[str, float, str]], unit: str = "ms") -> str:
    """A stacked bar of (name, amount, colour)."""
    whole = sum(amount for _, amount, _ in parts) or 1
    label = ", ".join(f"{name} {amount:.0f} {unit}" for name, amount, _ in parts)
    pieces = "".join(
        f'<i style="width:{amount / whole:.2%};background:{colour}" title="{escape(name)} {amount:.0f} {unit}"></i>'
        for name, amount, colour in parts
        if amount > 0
    )
    return f'<div class="s-bar" role="img" aria-label="{escape(label)}">{pieces}</div>'


def empty(title: str, text: str) -> str:
    """A page that has nothing to show yet."""
    return html(f'<div class="s-empty"><b>{escape(title)}</b>{escape(text)}</div>')


def aside(text: str) -> str:
    """A sentence beside the matter, with `commands` in it."""
    return html(f'<p class="s-small">{prose(text)}</p>')


def facts(items: Iterable[tuple[str, str, str]]) -> str:
    """Figures in boxes, as (name, value, unit)."""
    boxes = (
        f'<div class="s-fact"><span>{escape(name)}</span>'
        f"<strong>{escape(value)}</strong><small>{escape(unit)}</small></div>"
        for name, value, unit in items
    )
    return html(f'<div class="s-facts">{"".join(boxes)}</div>')


def rows(
    heads: Sequence[str], lines: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset(), wide: int = -1
) -> str:
    """A table of cells that are HTML already; columns in `right` hold figures, column `wide` the longest text."""

    def css(column: int) -> str:
        return ' class="s-r"' if column in right else ' class="s-wide"' if column == wide else ""

    head = "".join(f'<th scope="col"{css(i)}>{escape(text)}</th>' for i, text in enumerate(heads))
    body = "".join(f"<tr>{''.join(f'<td{css(i)}>{cell}</td>' for i, cell in enumerate(line))}</tr>" for line in lines)
    table = f'<table class="s-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return html(
        f'<div class="s-scroll" tabindex="0" role="region" aria-label="{escape(", ".join(heads))}">{table}</div>'
    )


def duration(ns: float) -> str:
    """A length of time as a person reads it."""
    if ns < 1e6:
        return f"{ns / 1e3:.0f} µs"
    if ns < 1e9:
        return f"{ns / 1e6:.0f} ms"
    if ns < 120e9:
        return f"{ns / 1e9:.1f} s"
    return f"{ns / 60e9:.0f} min" if ns < 7200e9 else f"{ns / 3600e9:.1f} h"


def size(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def day(ns: int) -> str:
    """The day and time of unix ns, where this process runs."""
    from datetime import datetime

    return datetime.fromtimestamp(ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M") if ns else ""


def moment(ns: int) -> str:
    """The time of day of unix ns, where this process runs."""
    from datetime import datetime

    return datetime.fromtimestamp(ns / 1e9).astimezone().strftime("%H:%M:%S") if ns else ""


def _tone(tone: Tone) -> str:
    return "s-mute-t" if tone == "mute" else f"s-{tone}"
