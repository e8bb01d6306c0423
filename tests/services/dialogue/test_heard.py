"""What the history holds after an interruption: exactly the words whose samples were played, whatever the jitter."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dialogue.words import normal
from shared.events import (
    AudioPlayed,
    SpeechEnded,
    SpeechStarted,
    TextEntered,
    TtsAudio,
    TtsRequest,
    TurnFinished,
    TurnHeard,
    WordMark,
)
from tests.services.dialogue.walk import Walk

RATE = 16_000
WORD = 1_000
ANSWER = "It is ten past nine, and all is well. Nothing else has happened, as far as I know, since you asked."


def marks(clause: TtsRequest) -> list[WordMark]:
    """A mark for each written word, a thousand samples long."""
    found, at = [], 0
    for index, word in enumerate(clause.text.split()):
        at = clause.text.index(word, at)
        found.append(WordMark(start=at, end=at + len(word), first_sample=index * WORD, until_sample=(index + 1) * WORD))
        at += len(word)
    return found


def pieces(clause: TtsRequest, chance: random.Random) -> list[dict[str, object]]:
    """The clause's audio, cut at random places."""
    words = marks(clause)
    total = len(words) * WORD
    cuts = sorted({0, total, *(chance.randrange(total) for _ in range(chance.randrange(6)))})
    return [
        {
            "first_sample": first,
            "marks": tuple(m for m in words if m.until_sample <= until),
            "last": until == total,
            "pcm": bytes(2 * (until - first)),
        }
        for first, until in itertools.pairwise(cuts)
    ]


def played(clauses: list[TtsRequest], position: int) -> list[dict[str, object]]:
    """What the speaker reports when it is at this sample of the whole answer."""
    reports = []
    for clause in clauses:
        total = len(clause.text.split()) * WORD
        if position > 0:
            reports.append({"clause": clause.clause, "until": min(position, total), "ended": position >= total})
        position -= total
    return reports


@settings(deadline=None)
@given(st.integers(0, 21 * WORD), st.integers(0, 10), st.randoms(use_true_random=False), st.booleans())
def test_the_history_holds_exactly_the_words_whose_samples_were_played(
    stop: int, late: int, chance: random.Random, typed: bool
) -> None:
    walk = Walk()
    walk.feed(TextEntered, turn=0, text="what time is it", speak=True)
    walk.result(ANSWER)
    clauses = list(walk.clauses)
    reply = clauses[0].reply
    told: list[tuple[type, dict[str, object]]] = [
        (TtsAudio, {"clause": c.clause, **piece}) for c in clauses for piece in pieces(c, chance)
    ]
    reports = [
        r for position in (*(chance.randint(0, stop) for _ in range(5)), stop) for r in played(clauses, position)
    ]
    reports.sort(key=lambda _: chance.random())
    before = reports[late:]
    told += [(AudioPlayed, report) for report in before]
    chance.shuffle(told)
    for kind, fields in told:
        _feed(walk, kind, reply, fields)
    if typed:
        walk.feed(TextEntered, turn=0, text="stop", speak=False)
    else:
        walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=0, probability=0.9)
        walk.feed(SpeechEnded, turn=0, start_sample=0, sample=9_000, noticed_sample=9_000)
        if "endpoint" in walk.wakes:
            walk.ring("endpoint")
            walk.final("no, the date")
    for report in reports[:late]:
        _feed(walk, AudioPlayed, reply, report)
    heard = walk.state.past[0].heard()
    words = [word for clause in clauses for word in clause.text.split()][: stop // WORD]
    assert normal(heard) == normal(" ".join(words))
    told_of = [e.heard for e in walk.published if isinstance(e, TurnFinished | TurnHeard) and e.turn == 1]
    assert told_of[-1] == heard


def _feed(walk: Walk, kind: type, reply: str, fields: dict[str, object]) -> None:
    common = {"turn": 1, "reply": reply, "rate": RATE}
    if kind is AudioPlayed:
        walk.feed(
            AudioPlayed,
            **common,
            clause=fields["clause"],
            until_sample=fields["until"],
            capture_sample=0,
            ended=fields["ended"],
        )
    else:
        walk.feed(TtsAudio, **common, **fields)
