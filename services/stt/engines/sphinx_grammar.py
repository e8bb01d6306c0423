"""Commands with pocketsphinx: the best sentence of the grammar in a sound, and how sure that it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from services.stt.engines.sphinx_dictation import is_filler, plain_word
from services.stt.engines.sphinx_evidence import Found, Readings
from services.stt.engines.sphinx_numbers import Numbers
from services.stt.engines.sphinx_search import Search
from services.stt.grammar import Grammar, WordGraph
from services.stt.grammar.lexicon import pronounce
from shared.pcm import Floats, pcm16

__all__ = ["Follower", "GrammarDecoder", "prepare"]

_SPELLED = {"am": "EY EH M", "pm": "P IY EH M"}
"""Words that are also spoken as letters: what skills write `7 pm`."""
_BRITISH = "en-gb-x-rp"
"""The dictionary is American; with the other way to say each word 93 % of 163 sentences came out right, not 91 %."""
_DITHER_DBFS = -55
"""White noise added before decoding: on espeak-ng's spotless sound 87 % of sentences came out right with it, 79 % with
-70 dBFS, 84 % with -45 (160 sentences, 8 voices)."""


def prepare(graph: WordGraph, lookup: Callable[[str], str | None]) -> Grammar:
    """Find out how the words sound, by a dictionary or else by espeak-ng; sentences with other words are left out.

    `lookup` answers `word`, `word(2)` and so on with ARPAbet, or None.
    """
    said = {word: list(_ways(word, lookup)) for word in sorted(graph.vocabulary)}
    missing = [word for word, ways in said.items() if not ways]
    for word, phones in pronounce(missing).items():
        said[word].append(phones)
    known = graph.without(frozenset(word for word, ways in said.items() if not ways))
    for word, phones in (*_SPELLED.items(), *pronounce(sorted(known.vocabulary), _BRITISH).items()):
        if phones not in said.get(word, (phones,)):
            said[word].append(phones)
    return Grammar(
        arcs=tuple(known.arcs), finals=known.finals, said={word: tuple(said[word]) for word in sorted(known.vocabulary)}
    )


def _ways(word: str, lookup: Callable[[str], str | None]) -> Iterable[str]:
    number = 1
    while phones := lookup(word if number == 1 else f"{word}({number})"):
        yield phones
        number += 1


class _Searches:
    """The three searches of one grammar: its sentences, likely phones, any phones."""

    def __init__(self) -> None:
        from pocketsphinx import get_model_path

        models = Path(get_model_path())  # type: ignore[no-untyped-call] # a native module without types
        self._phones = Search.for_phones(models / "en-us" / "en-us-phone.lm.bin")
        self._free = Search.for_phones(None)
        self._sentences: Search | None = None
        self._graph = WordGraph([{}], frozenset())
        self._noise = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32) * 10 ** (_DITHER_DBFS / 20)

    @property
    def knows(self) -> bool:
        """Whether there is a grammar to find sentences of."""
        return self._sentences is not None

    def learn(self, grammar: Grammar) -> None:
        """Take a grammar in place of the one before."""
        graph = self._graph = grammar.graph
        self._sentences = Search.for_sentences(graph, grammar.said) if graph.finals and graph.size else None

    def forget(self) -> None:
        """Know no grammar."""
        self._sentences = None

    def _all(self) -> tuple[Search, ...]:
        return (self._sentences, self._phones, self._free) if self._sentences else ()

    def _dithered(self, sound: Floats, first: int = 0) -> bytes:
        """PCM of the samples from the `first` of their utterance."""
        return pcm16(sound + self._noise[np.arange(first, first + len(sound)) % len(self._noise)])


class GrammarDecoder(_Searches):
    """Finds sentences in whole utterances. Raises RuntimeError when the native decoder breaks."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Numbers | None = None

    def learn(self, grammar: Grammar) -> None:
        super().learn(grammar)
        self._numbers = Numbers(self._graph, grammar.said)

    def told_apart(self, sound: Floats, found: Found) -> Found:
        """Return what was found in a whole utterance with its teens and tens looked at again."""
        return self._numbers.told_apart(found, self._dithered(sound), len(sound)) if self._numbers else found

    def find(self, sound: Floats, followed: Sequence[str] | None = None) -> Found | None:
        """Return the best sentence in a whole utterance, shape (samples,), or None when there is none.

        `followed` are the words that a follower understood.
        """
        if not self.knows:
            return None
        pcm = self._dithered(sound)
        return Readings(*(search.whole(pcm) for search in self._all())).found(self._graph, len(sound), followed)

    def mean(self, sound: Floats) -> str:
        """Return the mean spectrum of a whole utterance, for a follower of the same microphone."""
        self._free.whole(self._dithered(sound))
        return self._free.mean


class Follower(_Searches):
    """Finds sentences while they are spoken: a second of sound costs the same however much came before it.

    Raises RuntimeError when the native decoder breaks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heard = 0

    def begin(self, mean: str = "") -> None:
        """Forget the utterance before, whatever became of it.

        A whole utterance tells its mean spectrum at once; here it is that of earlier speech, where it is known.
        """
        self._heard = 0
        for search in self._all():
            search.end()
            if mean:
                search.start_from(mean)

    def hear(self, sound: Floats) -> None:
        """Take the next samples."""
        pcm = self._dithered(sound, self._heard)
        self._heard += len(sound)
        for search in self._all():
            search.hear(pcm)

    def words(self) -> list[str]:
        """Return what is understood so far."""
        segments = self._sentences.segments() if self._sentences and self._heard else ()
        return [plain_word(segment.word) for segment in segments if not is_filler(segment.word)]

    def found(self) -> Found | None:
        """Return the beginning of a sentence that is the best reading of all that was heard, or None."""
        if not self.knows or not self._heard:
            return None
        return Readings(*(search.segments() for search in self._all())).found(self._graph, self._heard)
