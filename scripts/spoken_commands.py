"""What people say to skills, spoken by espeak-ng, and which skill with which arguments a text asks for.

The sentences are those of the skills' own tests, so that nobody chose them for how well they are recognised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from services.skills import SkillsSettings
from services.skills.catalogue import catalogue
from services.skills.matcher import Matcher
from services.skills.remembering import NoMemory
from services.skills.ringing import AlarmBook
from services.skills.sentences import load
from services.skills.skill import Asked
from services.skills.understanding import understood
from services.skills.wording import Wording
from shared.clock import ManualClock
from shared.pcm import Floats
from tests.services.stt.spoken import VOICES, silence, speak

__all__ = ["VOICES", "Understanding", "sayable", "spoken"]

_SAID = Path(__file__).resolve().parent.parent / "tests" / "services" / "skills" / "said" / "en.yaml"
_NOT_SAYABLE = re.compile(r"[\d*×%+]")
_AMERICAN = (("metre", "meter"), ("litre", "liter"))

Meaning = tuple[str, tuple[tuple[str, str], ...]]


def sayable() -> list[str]:
    """Return every sentence that must reach a skill and is written in words, also those no grammar can know."""
    texts = [text for text, _, _ in yaml.safe_load(_SAID.read_text("utf-8"))["ours"] if not _NOT_SAYABLE.search(text)]
    return list(dict.fromkeys(text.lower().strip("?!. ") for text in texts))


def spoken(text: str, voice: str) -> Floats:
    """Return the sentence in a voice, with a quarter second of quiet on either side."""
    return np.concatenate([silence(0.25), speak(text, voice), silence(0.25)])


class Understanding:
    """The skills' own matching of English text."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        book = AlarmBook(ManualClock(), ring_every=1, rings=1)
        self._skills = catalogue(
            SkillsSettings(), book=book, zone=ZoneInfo("UTC"), thread=self._thread, memory=NoMemory()
        )
        self._said = load("en")
        self._matchers = [Matcher(self._said.habits, d) for d in (self._said.ours(), self._said.borrowed())]

    def __enter__(self) -> Understanding:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()

    def __call__(self, text: str) -> Meaning | None:
        """Return the skill and its arguments, spelled one way; None when no skill is meant."""
        now, words = datetime(2026, 11, 21, 14, tzinfo=UTC), Wording("en", self._said.phrases)
        asked = Asked(id="1", session="s", language="en", now=now, now_ns=0, words=words, sentence=text)
        for matcher in self._matchers:
            found = understood(matcher.matches(text), self._skills, asked)
            if found is not None:
                return found[0].name, tuple(_plain(found[1].model_dump(exclude_defaults=True)))
        return None


def _plain(arguments: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(arguments.items()):
        text = "".join(c for c in unicodedata.normalize("NFD", str(value)) if not unicodedata.combining(c))
        for british, american in _AMERICAN:
            text = text.replace(british, american)
        yield name, text
