"""The proof that a test set shares no template with the training: no phrase of the training can say its prompts.

Compared is the plain form: small letters, no marks. Slots stand for what the training puts there (any words where that
is open), words for those that the training says in their place, and the politeness that it strews before and after may
stand there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from scripts.builtin.dialogues import ADDED, SYNONYMS
from scripts.builtin.phrases import pattern
from scripts.builtin.wishes import UNITS
from scripts.builtin.words import LISTS

__all__ = ["phrases", "plain", "shared"]

_HERE = Path(__file__).parent
_SOURCES = ("facts", "questions", "talk", "wishes")
_ANSWERS = {
    "answer",
    "answers",
    "expression",
    "name",
    "noted",
    "taken",
    "topics",
    "kept",
    "alarms-every",
    "timers-every",
    "unknown",
}
"""What no person says, or only within a slot."""
_NOISE = {"{noise}", "{foreign}", "{mark}", "{number}", "{common}", "{person}"}


def plain(text: str) -> str:
    """Small letters and single spaces, no marks."""
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


def phrases() -> list[str]:
    """Every phrase that a person may say in training."""
    return [text for name in _SOURCES for text in _texts(tomllib.loads((_HERE / f"{name}.toml").read_text("utf-8")))]


def _texts(value: object, name: str = "") -> Iterator[str]:
    if name in _ANSWERS and not isinstance(value, dict):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def shared(prompts: Sequence[str]) -> list[tuple[str, str]]:
    """The prompts that a phrase of the training can say, each with the phrase."""
    return [
        (prompt, phrase)
        for prompt in prompts
        for bare in [_bared(plain(prompt.rpartition("]\n\n")[2]))]
        for phrase, said in _said()
        if any(said.fullmatch(text) for text in bare)
    ]


def _bared(text: str) -> set[str]:
    """The text, and what is left of it when some of the politeness around it is taken off."""
    found, waiting = {text}, [text]
    while waiting:
        text = waiting.pop()
        for before, after in _added():
            for rest in (before.sub("", text), after.sub("", text)):
                if rest and rest not in found:
                    found.add(rest)
                    waiting.append(rest)
    return found


@cache
def _added() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    each = [pattern(plain(words), _slot, _word) for words in ADDED]
    return tuple((re.compile(rf"^{words}\s+"), re.compile(rf"\s*\b{words}$")) for words in each)


@cache
def _said() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each phrase and the expression for what it can say."""
    return tuple(
        (phrase, re.compile(rf"{pattern(phrase, _slot, _word)}\s*"))
        for phrase in dict.fromkeys(phrases())
        if not set(re.findall(r"\{\w+\}|\w+", phrase)) <= _NOISE
    )


_NUMBER = r"(?:\d[\d ]*|(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|eleven|twelve|\w+ty|hundred|and|oh)(?: (?:one|two|three|four|five|six|seven|eight|nine|\w+ty|hundred|and|thousand))*)"
_OPEN = r"(?!(?:what|whats|who|which|where|when|how|is|do|guess)\b)\w+(?: \w+)?"
_SLOTS = {
    **dict.fromkeys(("a", "b", "c", "n", "s", "sides", "low", "high", "number", "small", "age"), _NUMBER),
    **dict.fromkeys(("one", "other"), "|".join(plain(unit) for unit in UNITS)),
    "length": rf"{_NUMBER} \w+(?: (?:and )?{_NUMBER}(?: \w+)?)?|(?:half )?(?:an?|a couple of|a few|a half|a dozen|three quarters of an|a quarter of an) (?:hour|minute)s?(?: and a (?:half|quarter))?|quarter of an hour|half an hour|half a minute",
    "which": r"(?:the|my|that|this|all|every|each|all of|all the|all my|all of my|no|the alarm for|my alarm at)(?: \w+){0,4}? ?(?:timers?|countdown|alarms?|alarm clock|call)",
    "moment": rf"(?:(?:a )?(?:half|quarter|{_NUMBER}) (?:past|to) )?{_NUMBER}(?: \w+){{0,5}}|noon|midnight|midday",
    "v": _OPEN,
    "value": _OPEN,
    "fact": rf"(?:i|my|the|we|{_OPEN})(?: \w+){{1,7}}",
    "k": rf"{'|'.join(plain(word) for name in ('thing', 'animal', 'relation') for word in LISTS[name])}|(?!name\b)\w+",
    "day": r"today|tomorrow|yesterday|the day after tomorrow|day after tomorrow|\w+day",
}


def _word(word: str) -> str:
    others = SYNONYMS.get(word)
    return f"(?:{'|'.join([word, *map(plain, others)])})" if others else re.escape(word)


def _slot(name: str) -> str:
    if name in _SLOTS:
        return _SLOTS[name]
    if name in LISTS:
        return rf"{'|'.join(re.escape(plain(word)) for word in LISTS[name])}|\w+"
    return r"\w+(?: \w+)?"
