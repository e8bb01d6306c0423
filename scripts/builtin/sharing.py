"""The proof that the test set shares no template with the training: no phrase of the training can say its prompts.

Compared is the plain form: small letters, no marks. Slots stand for what the training puts there (any words where that
is open), and the politeness that training strews before and after may stand there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from scripts.builtin.dialogues import ADDED
from scripts.builtin.phrases import pattern
from scripts.builtin.wishes import UNITS
from scripts.builtin.words import LISTS

__all__ = ["phrases", "plain", "shared"]

_HERE = Path(__file__).parent
_SOURCES = ("facts.py", "questions.py", "sayings.py", "talk.py", "wishes.py")
_NOISE = {"{noise}", "{mark}", "{number}", "{common}", "{person}"}


def plain(text: str) -> str:
    """Small letters and single spaces, no marks."""
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


def phrases() -> list[str]:
    """Every phrase that the sources hold, read from the sources themselves."""
    return [phrase for name in _SOURCES for phrase in _texts(ast.parse((_HERE / name).read_text("utf-8")))]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _may_be_phrase(node.value):
            yield node.value


def _may_be_phrase(text: str) -> bool:
    return " " in text.strip() and "\n" not in text and not text.startswith('{"')


def shared(prompts: Sequence[str]) -> list[tuple[str, str]]:
    """The prompts that a phrase of the training can say, each with the phrase."""
    texts = [(prompt, plain(prompt.rpartition("]\n\n")[2])) for prompt in prompts]
    return [(prompt, phrase) for prompt, text in texts for phrase, said in _said() if said.fullmatch(text)]


@cache
def _said() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each phrase and the expression for what it can say, with the politeness that may stand around it."""
    added = "|".join(sorted((re.escape(plain(words)) for words in ADDED), key=len, reverse=True))
    found = []
    for phrase in dict.fromkeys(phrases()):
        if set(phrase.split()) <= _NOISE:
            continue
        try:
            expression = pattern(phrase, _slot)
        except (AssertionError, ValueError, IndexError):
            continue  # a text that is no phrase: an answer, a word about the code
        found.append((phrase, re.compile(rf"(?:(?:{added})\s+)*{expression}\s*(?:(?:{added})\s*)*")))
    return tuple(found)


_NUMBER = r"(?:\d[\d ]*|(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|\w+teen|eleven|twelve|\w+ty|hundred|and|oh)(?: (?:one|two|three|four|five|six|seven|eight|nine|\w+ty|hundred|and|thousand))*)"
_OPEN = r"(?!(?:what|whats|who|which|where|when|how|is|do|guess)\b)\w+(?: \w+)?"
_SLOTS = {
    **dict.fromkeys(("a", "b", "c", "n", "s", "sides", "low", "high", "number", "small", "age"), _NUMBER),
    **dict.fromkeys(("one", "other"), "|".join(plain(unit) for unit in UNITS)),
    "length": rf"{_NUMBER} \w+(?: (?:and )?{_NUMBER}(?: \w+)?)?|(?:half )?(?:an?|a couple of|a few|a half|a dozen|three quarters of an|a quarter of an) (?:hour|minute)s?(?: and a half)?|quarter of an hour|half an hour|half a minute",
    "which": r"(?:the|my|that|this|all|every|each|all of|all the|all my|all of my|no|the alarm for|my alarm at)(?: \w+){0,4}? ?(?:timers?|countdown|alarms?|alarm clock|call)",
    "moment": rf"(?:(?:a )?(?:half|quarter) (?:past|to) )?{_NUMBER}(?: \w+){{0,5}}|noon|midnight|midday",
    "v": _OPEN,
    "value": _OPEN,
    "fact": rf"(?:i|my|the|we|{_OPEN})(?: \w+){{1,7}}",
    "k": rf"{'|'.join(plain(word) for name in ('thing', 'animal', 'relation') for word in LISTS[name])}|(?!name\b)\w+",
    "day": r"today|tomorrow|yesterday|the day after tomorrow|day after tomorrow|\w+day",
}


def _slot(name: str) -> str:
    if name in _SLOTS:
        return _SLOTS[name]
    if name in LISTS:
        return rf"{'|'.join(re.escape(plain(word)) for word in LISTS[name])}|\w+"
    return r"\w+(?: \w+)?"
