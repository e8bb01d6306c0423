"""The languages that skills speak, each with its words at once and its matcher made when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from enum import Enum
from functools import cache

from pydantic import JsonValue

from services.skills.matcher import Match, Matcher
from services.skills.offload import off_loop
from services.skills.sentences import Sentences, load
from services.skills.wording import Wording

__all__ = ["Source", "Tongues"]


class Source(Enum):
    """Whose sentences: they are compiled one after the other, so that ours are ready early."""

    OURS = "ours"
    ANSWERS = "answers"
    BORROWED = "home-assistant-intents"


class Tongues:
    """`languages` are ISO 639-1, the first for everybody else. Blocking work goes to `thread`, one job at a time."""

    def __init__(self, languages: Sequence[str], thread: Executor, *, hours24: bool | None) -> None:
        self._languages = tuple(languages)
        self._thread = thread
        self._hours24 = hours24
        self._sentences: dict[str, Sentences] = {}
        self._words: dict[str, Wording] = {}
        self._warmed: set[str] = set()

    async def open(self) -> None:
        """Read the sentence files."""
        for language in self._languages:
            sentences = await off_loop(self._thread, load, language)
            self._sentences[language] = sentences
            self._words[language] = Wording(language, sentences.phrases, hours24=self._hours24)

    async def warm(self) -> None:
        """Make ready what the first sentence would wait for: hassil, the first language's templates, its dates."""
        await off_loop(self._thread, _matcher, self._languages[0], Source.OURS)
        await self.words(self._languages[0])
        await off_loop(self._thread, _matcher, self._languages[0], Source.BORROWED)

    def known(self, language: str) -> str:
        """The language that words are chosen in for a tag like `en-GB`: itself without region, else the first."""
        plain = language.replace("_", "-").partition("-")[0].lower()
        return plain if plain in self._languages else self._languages[0]

    async def words(self, language: str) -> Wording:
        """How to say things in a known language, all its data read."""
        words = self._words[language]
        if language not in self._warmed:
            await off_loop(self._thread, words.warm)
            self._warmed.add(language)
        return words

    async def matches(self, sentence: str, language: str, *sources: Source) -> list[Match]:
        """All readings of a sentence in a known language by the sentences of some sources, the best first."""

        def found() -> list[Match]:
            matches = [match for source in sources for match in _matcher(language, source).matches(sentence)]
            return sorted(matches, key=lambda match: match.rank)

        return await off_loop(self._thread, found)

    def published(self) -> dict[str, dict[str, JsonValue]]:
        """The sentences of each language, for a recogniser's grammar."""
        return {language: sentences.published for language, sentences in self._sentences.items()}


@cache
def _matcher(language: str, source: Source) -> Matcher:
    """Compiled once in a process, from files that do not change: a restarted service understands at once."""
    sentences = load(language)
    document = {Source.ANSWERS: sentences.answers, Source.OURS: sentences.ours, Source.BORROWED: sentences.borrowed}
    return Matcher(sentences.habits, document[source]())
