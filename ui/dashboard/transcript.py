"""The transcript: turns as HTML, with what was heard of each answer set apart from what was only generated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from shared.events import Latency
from ui.dashboard.chrome import bar, html, moment
from ui.dashboard.turns import Turn

__all__ = ["PARTS", "latency_parts", "spoken", "transcript", "unheard"]

PARTS: Mapping[str, tuple[str, str]] = {
    "endpoint_wait": ("end of speech", "#7A8691"),
    "recognition_tail": ("recognition", "#5B6CD9"),
    "queue": ("queue", "#C2506B"),
    "prefill": ("thinking", "#0E8A7D"),
    "first_clause": ("first clause", "#4B9F3F"),
    "synthesis": ("speech", "#E08A1E"),
    "playout": ("speaker", "#9B5FC0"),
}
"""The parts of a turn's latency: the words and the colour for each, in their order."""

_OUTCOMES = {
    "not-understood": "not understood",
    "silent": "nothing to say",
    "failed": "failed",
    "ignored": "ignored",
}


def transcript(turns: Iterable[Turn], session: str) -> str:
    """Return the turns, oldest first, with a rule where another run of the assistant began."""
    pieces: list[str] = []
    last = ""
    for turn in turns:
        if last and turn.session != last:
            pieces.append('<div class="s-rule">the assistant started again</div>')
        last = turn.session
        pieces.append(_turn(turn, live=turn.session == session))
    return html(f'<div class="s-talk" role="log" aria-label="Conversation">{"".join(pieces)}</div>')


def latency_parts(latency: Latency) -> list[tuple[str, float, str]]:
    """The parts of a latency as (name, ms, colour)."""
    return [(name, getattr(latency, part) / 1e6, colour) for part, (name, colour) in PARTS.items()]


def unheard(generated: str, heard: str) -> tuple[str, str]:
    """Split an answer into what was heard and what was not; blanks may differ between the two."""
    position = 0
    for letter in heard:
        if letter.isspace():
            continue
        found = generated.find(letter, position)
        if found < 0 or generated[position:found].strip():
            return heard, ""
        position = found + 1
    return generated[:position], generated[position:]


def spoken(turn: Turn) -> bool:
    """Whether what was heard may differ from what was generated."""
    return bool(turn.clauses or turn.interrupted)


def _turn(turn: Turn, *, live: bool) -> str:
    pieces = [_asked(turn, live=live), _answered(turn, live=live), _meta(turn)]
    return f'<div class="s-turn" data-turn="{turn.number}">{"".join(pieces)}</div>'


def _asked(turn: Turn, *, live: bool) -> str:
    if turn.asked:
        return f'<div class="s-say s-you">{escape(turn.asked)}</div>'
    if turn.partial and not turn.over:
        stable, rest = turn.stable, turn.partial[len(turn.stable) :]
        said = f'{escape(stable)}<span class="s-soft">{escape(rest)}</span>'
        return f'<div class="s-say s-you" aria-live="polite">{said}</div>'
    if turn.reason == "speech" and live and not turn.over:
        return '<div class="s-say s-you s-dots" aria-label="listening"></div>'
    return ""


def _answered(turn: Turn, *, live: bool) -> str:
    if not turn.generated:
        failure = f'<div class="s-say s-it">{escape(turn.failure)}</div>' if turn.failure else ""
        waits = turn.asked and live and not turn.over
        return failure or ('<div class="s-say s-it s-dots" aria-label="thinking"></div>' if waits else "")
    if not spoken(turn) or not turn.over:
        return f'<div class="s-say s-it">{escape(turn.generated)}</div>'
    heard, rest = unheard(turn.generated, turn.heard)
    tail = (
        f'<span class="s-unheard" title="generated, but not heard">{escape(rest)}</span>'
        if rest.strip()
        else escape(rest)
    )
    return f'<div class="s-say s-it">{escape(heard)}{tail}</div>'


def _meta(turn: Turn) -> str:
    words = [moment(turn.started_at)]
    if turn.by:
        words.append("language model" if turn.by == "llm" else turn.by.replace("_", " "))
    if turn.interrupted:
        words.append(f"interrupted ({turn.interrupted})")
    if turn.outcome in _OUTCOMES:
        words.append(_OUTCOMES[turn.outcome])
    pieces = [f"<span>{escape(' · '.join(words))}</span>"]
    if turn.latency is not None:
        pieces.append(f'<span class="s-num">{turn.latency.total / 1e6:.0f} ms</span>{bar(latency_parts(turn.latency))}')
    return f'<div class="s-meta">{"".join(pieces)}</div>'
