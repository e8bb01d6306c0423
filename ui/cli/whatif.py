"""`sotto replay --set`: what another setting had made of a recorded conversation, turn by turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from ui.cli.session import Session, console, print_json, styled
from ui.cli.sessions import recording

if TYPE_CHECKING:
    from services.dialogue.whatif import Change

__all__ = ["show_changes", "what_if"]

_PARTS = {
    "endpoint_wait": "end of speech",
    "recognition_tail": "recognition",
    "queue": "between",
    "prefill": "thinking",
    "first_clause": "first clause",
    "synthesis": "speech",
    "playout": "speaker",
}


def what_if(session: Session, name: str, given: Mapping[str, object], *, as_json: bool) -> int:
    """Print which turns were different with the settings `given`, and how their latency moved; returns 0."""
    from services.dialogue.again import imagine

    found, guessed = imagine(recording(session, name), given)
    show_changes(found, as_json=as_json)
    for what in guessed if not as_json else ():
        console().print(f"  The record does not know {what}: it is guessed.", style="yellow", soft_wrap=True)
    return 0


def show_changes(found: Sequence[Change], *, as_json: bool) -> None:
    """Print two conversations side by side, turn by turn."""
    from services.dialogue.again import row

    for change in found:
        if as_json:
            print_json(row(change))
        else:
            _print(change)
    if not as_json:
        _summarise(found)


def _print(change: Change) -> None:
    turn = change.now or change.before
    assert turn is not None
    head = styled((f"{turn.number:>4}", "bold"), f" {turn.asked or turn.reason}  ")
    if change.before is None or change.now is None:
        came = "new" if change.before is None else "does not come about"
        console().print(head.append(came, "yellow"), soft_wrap=True)
        return
    latency = change.now.latency
    head.append(f"{latency.total / 1e6:.0f} ms  " if latency else "", "dim").append(_moved(change), "green").rstrip()
    console().print(head, soft_wrap=True)
    for name in change.what:
        was, now = getattr(change.before, name), getattr(change.now, name)
        line = styled(f"       {name}: ", (str(was or "—"), "red"), " → ", (str(now or "—"), "yellow"))
        console().print(line, soft_wrap=True)


def _moved(change: Change) -> str:
    moved = change.moved
    if not moved:
        return ""
    parts = ", ".join(f"{_PARTS[name]} {ns / 1e6:+.0f}" for name, ns in moved.items() if name != "total")
    return f"{moved.get('total', 0) / 1e6:+.0f} ms: {parts}"


def _summarise(found: Sequence[Change]) -> None:
    different = sum(bool(change.what) for change in found)
    pairs = [(change.before, change.now) for change in found]
    waits = [[turn.latency.total / 1e6 for turn in side if turn and turn.latency] for side in zip(*pairs, strict=True)]
    told = f"\n{len(found)} turns, {different} of them different."
    if waits and all(waits):
        told += f" Median latency {median(waits[0]):.0f} → {median(waits[1]):.0f} ms."
    console().print(told, soft_wrap=True)
