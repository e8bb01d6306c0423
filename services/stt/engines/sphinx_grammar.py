"""Commands with pocketsphinx: the best sentence of the grammar in a sound, and how sure that it is the right reading.

A grammar decoder always finds a sentence. What tells a command from other speech is how much better the sound could
be explained without the grammar: the same sound is decoded as phones, freely and with a phone language model, and
scores and phones are compared (docs/adr/0016).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.stt.engines.sphinx_dictation import FRAME, is_filler, plain_word
from services.stt.grammar import RARE, Grammar, WordGraph
from services.stt.grammar.lexicon import pronounce
from services.stt.transcript import Spoken
from shared.pcm import Floats, pcm16

__all__ = ["Evidence", "Found", "GrammarDecoder", "Segment"]

_COMMANDS = "commands"
_PHONES = "phones"
_FREE_PHONES = "free phones"
_RARE_CHANCE = 1e-6
_SPELLED = {"am": "EY EH M", "pm": "P IY EH M"}
"""Words that are also spoken as letters: what skills write `7 pm`."""
_SEARCH = {"beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60, "wip": 1e-2}
"""Wide beams, since a grammar of skills is small: of 163 sentences in 4 voices that it knows 81 % came out right with
pocketsphinx's own and 90 % with these, at 0.046 of real time instead of 0.029; a price on every word adds 1 %."""
_SCALE = 1024
"""By which pocketsphinx divides every score (`SENSCR_SHIFT`)."""
_BRITISH = "en-gb-x-rp"
"""The dictionary is American; with the other way to say each word 93 % of those sentences came out right, not 91 %."""
_DITHER_DBFS = -55
"""White noise added before decoding: on espeak-ng's spotless sound 87 % of sentences came out right with it, 79 % with
-70 dBFS, 84 % with -45 (160 sentences, 8 voices)."""


_RARE = 14.0
"""Surprise in nats from which a sentence is no common one; what recordings are taken for begins there."""
_MOST_EASE = 5.7


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or phone of a decoding, in frames."""

    word: str
    first: int
    last: int
    score: float
    """Acoustic log score (natural), relative to the best state of each frame."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a sentence: the same sound, decoded without the grammar."""

    misfit: float
    """Acoustic log score that free phones gain over the sentence, per frame of its words; near 0 when it fits."""
    other_phones: float
    """Edits that turn the sentence's phones into those heard with a phone language model, per phone of the sentence;
    vowels count as one."""
    ease: float = 0.0
    """How much likelier than a sentence with several numbers or names this one is to be said, in nats, 0 to 5.7."""

    @property
    def confidence(self) -> float:
        """0 to 1, by logistic regression on 178 espeak-ng commands in 4 voices and 156 pieces of read speech.

        They were heard with the grammar of all English skills, and a command that was misheard counted with the read
        speech. The intercept is 0.6 below the best fit's, so that no whole recording is taken (docs/adr/0016). The
        prior counts for 0.4 of itself: recordings are taken for rare sentences, people say the common ones.
        """
        against = 2272.0 * self.misfit + 11.8 * self.other_phones - 13.6 - 0.4 * self.ease
        return 1 / (1 + math.exp(min(700.0, against)))


@dataclass(frozen=True, slots=True)
class Found:
    """The best sentence of the grammar."""

    text: str
    words: tuple[Spoken, ...]
    confidence: float
    evidence: Evidence


class GrammarDecoder:
    """Knows at most one grammar; raises RuntimeError when the native decoder breaks."""

    def __init__(self) -> None:
        # A native module without types.
        from pocketsphinx import Decoder, get_model_path  # type: ignore[attr-defined]

        self._decoder = Decoder(loglevel="FATAL", lm=None, bestpath=False)
        models = Path(get_model_path())  # type: ignore[no-untyped-call]
        self._decoder.add_allphone_file(_PHONES, str(models / "en-us" / "en-us-phone.lm.bin"))
        self._decoder.add_allphone_file(_FREE_PHONES, None)
        for name, value in _SEARCH.items():  # a search takes what is set when it is made: the phones' are made already
            self._decoder.config[name] = value
        self.knows = False
        """Whether there is a grammar to find sentences of."""
        self._graph = WordGraph([{}], frozenset())
        self._noise = np.random.default_rng(0).standard_normal(1 << 18).astype(np.float32) * 10 ** (_DITHER_DBFS / 20)

    def prepare(self, graph: WordGraph) -> Grammar:
        """Find out how the words sound; sentences with words that cannot be pronounced are left out."""
        missing = [word for word in sorted(graph.vocabulary) if self._decoder.lookup_word(word) is None]
        said = {word: [phones] for word, phones in pronounce(missing).items()}
        known = graph.without(frozenset(missing) - frozenset(said))
        for word, phones in (*_SPELLED.items(), *pronounce(sorted(known.vocabulary), _BRITISH).items()):
            said.setdefault(word, []).append(phones)
        return Grammar(
            arcs=tuple(known.arcs),
            finals=known.finals,
            said={word: tuple(said[word]) for word in sorted(known.vocabulary & said.keys())},
        )

    def learn(self, grammar: Grammar) -> None:
        """Take a grammar in place of the one before."""
        self.forget()
        for word, ways in grammar.said.items():
            self._pronounce(word, ways)
        graph = grammar.graph
        if not graph.finals or not graph.size:
            return
        self._decoder.add_fsg(_COMMANDS, self._decoder.create_fsg(_COMMANDS, 0, len(graph.arcs), _transitions(graph)))
        self._graph = graph
        self.knows = True

    def _pronounce(self, word: str, ways: Sequence[str]) -> None:
        """The dictionary numbers the ways to say a word: `word`, `word(2)`, and so on."""
        known, number = set[str](), 1
        while phones := self._decoder.lookup_word(word if number == 1 else f"{word}({number})"):
            known.add(phones)
            number += 1
        for phones in ways:
            if phones not in known:
                self._decoder.add_word(word if number == 1 else f"{word}({number})", phones, update=False)
                number += 1

    def forget(self) -> None:
        """Know no grammar."""
        if self.knows:
            self._decoder.activate_search(_PHONES)
            self._decoder.remove_search(_COMMANDS)
        self.knows = False

    def find(self, sound: Floats) -> Found | None:
        """Return the best sentence in a whole utterance, shape (samples,), or None when there is none."""
        if not self.knows:
            return None
        pcm = pcm16(sound + np.resize(self._noise, len(sound)))
        commands = self._decode(_COMMANDS, pcm)
        spoken = [segment for segment in commands if not is_filler(segment.word)]
        if not spoken:
            return None
        evidence = self._weigh(spoken, pcm)
        confidence = evidence.confidence
        words = tuple(
            Spoken(plain_word(s.word), s.first * FRAME, min((s.last + 1) * FRAME, len(sound)), confidence)
            for s in spoken
        )
        return Found(" ".join(word.text for word in words), words, confidence, evidence)

    def _weigh(self, spoken: list[Segment], pcm: bytes) -> Evidence:
        wanted = [phone for s in spoken for phone in (self._decoder.lookup_word(s.word) or "").split()]
        heard = [s.word for s in self._decode(_PHONES, pcm) if not is_filler(s.word)]
        return Evidence(
            misfit=_misfit([self._unpriced(s) for s in spoken], self._decode(_FREE_PHONES, pcm)),
            other_phones=_edits([_alike(p) for p in wanted], [_alike(p) for p in heard]) / max(1, len(wanted)),
            ease=max(0.0, min(_MOST_EASE, _RARE - self._graph.surprise([plain_word(s.word) for s in spoken]))),
        )

    def _unpriced(self, segment: Segment) -> Segment:
        """A word's score holds the search's price for every word, `wip` to the power of `lw`, scaled as all scores."""
        price = self._decoder.config["lw"] * math.log(self._decoder.config["wip"]) / _SCALE
        return replace(segment, score=segment.score - price)

    def _decode(self, search: str, pcm: bytes) -> list[Segment]:
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        return [
            Segment(s.word, s.start_frame, s.end_frame, math.log(s.ascore))
            for s in self._decoder.seg()
            if s.start_frame >= 0 and s.end_frame >= s.start_frame
        ]


def _transitions(graph: WordGraph) -> list[tuple[int, int, float, str] | tuple[int, int, float]]:
    """Arcs with equal chances at every state, less for words marked as rare; every end leads to one state more."""
    end = len(graph.arcs)
    arcs: list[tuple[int, int, float, str] | tuple[int, int, float]] = []
    for state, out in enumerate(graph.arcs):
        chance = 1.0 / max(1, len(out) + (state in graph.finals))
        for word, target in out.items():
            rare = _RARE_CHANCE if word.endswith(RARE) else 1.0
            arcs.append((state, target, chance * rare, word.removesuffix(RARE)))
        if state in graph.finals:
            arcs.append((state, end, chance))
    return arcs


def _misfit(spoken: list[Segment], free: list[Segment]) -> float:
    """Free phones follow the sound frame by frame; compare only where the sentence has words."""
    frames = sum(s.last - s.first + 1 for s in spoken)
    by_frame = np.zeros(1 + max(s.last for s in [*spoken, *free]))
    for segment in free:
        by_frame[segment.first : segment.last + 1] = segment.score / (segment.last - segment.first + 1)
    gained = sum(float(by_frame[s.first : s.last + 1].sum()) - s.score for s in spoken)
    return gained / max(1, frames)


def _alike(phone: str) -> str:
    """All vowels are one: what accents change most tells least which words were said."""
    return "vowel" if phone[0] in "AEIOU" else phone


def _edits(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, phone in enumerate(wanted, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (phone != other))
    return row[-1]
