"""Piper, the engine of pulled voices: VITS networks through onnxruntime, sentence by sentence, stopped in mid-network.

Word positions come from the network's own phoneme lengths ("alignments"). A voice whose network does not give them is
spoken too, its words placed by the number of their phonemes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from services.tts.engines.piper_files import read_voice
from services.tts.engines.piper_network import Network, Phonemes, VoiceFailed
from services.tts.engines.piper_words import Group, Stretch, groups_of, stretches
from services.tts.port import Delivery, Out, SpeechStopped, SpokenWord
from shared.installed import InstalledModel
from shared.logs import get_logger
from shared.pcm import Floats, pcm16

if TYPE_CHECKING:
    from onnxruntime.capi.onnxruntime_pybind11_state import RunOptions

    from services.tts.engines.piper_files import VoiceFiles

__all__ = ["PiperEngine", "parts"]

_log = get_logger("tts")

_LONGEST: Final = 300
"""Characters given to the network at once: what it needs grows with the square of the length."""
_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?…](?=\s)|\Z)", re.DOTALL)
_FIRST_PHRASE: Final = re.compile(r".{16,}?[,;:](?=\s.{8})", re.DOTALL)
_WORD: Final = re.compile(r"\S*\w\S*")


class PiperEngine:
    """One loaded voice. `speaker` picks one of several."""

    name = "piper"

    def __init__(self, model: str, files: VoiceFiles, speaker: int | None = None) -> None:
        self.model = model
        self.rate: int = files.config.sample_rate
        self._network = Network(files, speaker)

    @classmethod
    def load(cls, model: InstalledModel, *, threads: int = 0, speaker: int | None = None) -> PiperEngine:
        """Read the voice's files and try them on a word. Raises TtsError naming what is wrong with them."""
        files = read_voice(model, threads)
        if not files.aligned:
            _log.warning("the voice gives no phoneme lengths: word positions are estimated", voice=model.name)
        engine = cls(model.name, files, speaker)
        engine._network.try_out()
        return engine

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        """See Engine. The language is the voice's own."""
        from onnxruntime.capi.onnxruntime_pybind11_state import RunOptions

        options = RunOptions()
        out.when_stopped(lambda: setattr(options, "terminate", True))
        clause = _Clause(self._network, text, delivery, out, options)
        for start, end in parts(text):
            clause.speak(start, end)


def parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield what is given to the network at once, as offsets: sentences, long ones cut at spaces.

    The first sentence is cut at a comma if it is long: its first phrase is heard while the rest is made.
    """
    first = True
    for sentence in _SENTENCE.finditer(text):
        start, end = sentence.span()
        phrase = _FIRST_PHRASE.match(text, start, end) if first else None
        if phrase:
            yield phrase.span()
            start = phrase.end()
        while end - start > _LONGEST:
            cut = text.rfind(" ", start, start + _LONGEST)
            cut = cut if cut > start else start + _LONGEST
            yield start, cut
            start = cut
        yield start, end
        first = False


class _Clause:
    """One text on its way through the network."""

    def __init__(self, network: Network, text: str, delivery: Delivery, out: Out, options: RunOptions) -> None:
        self._network = network
        self._text = text
        self._delivery = delivery
        self._out = out
        self._options = options
        self._written = 0

    def speak(self, start: int, end: int) -> None:
        """Write the samples of the text from `start` to `end`, sentence by sentence."""
        sentences = self._network.phonemes(self._text[start:end])
        waiting = deque(self._stretches(start, end, sentences))
        begins, ends = list[int](), list[int]()
        for sentence in sentences:
            samples, offsets = self._run(sentence)
            begins += (self._written + offset for offset in offsets[:-1])
            ends += (self._written + offset for offset in offsets[1:])
            self._written += len(samples)
            done = list[SpokenWord]()
            while waiting and waiting[0].until <= len(ends):
                word = waiting.popleft()
                done.append(SpokenWord(word.start, word.end, begins[word.first], ends[word.until - 1]))
            self._out.write(pcm16(samples), tuple(done))

    def _stretches(self, start: int, end: int, sentences: Sequence[Phonemes]) -> Iterator[Stretch]:
        words = [m.span() for m in _WORD.finditer(self._text, start, end)]
        alone = [self._network.plain(self._text[a:b]) for a, b in words]
        groups, base = list[Group](), 0
        for sentence in sentences:
            groups += groups_of(sentence, base)
            base += len(sentence)
        return stretches(words, alone, groups)

    def _run(self, sentence: Phonemes) -> tuple[Floats, Sequence[int]]:
        if self._out.stopped:
            raise SpeechStopped
        try:
            samples, ends = self._network.run(sentence, self._delivery.rate, self._options)
        except VoiceFailed:
            if self._out.stopped:
                raise SpeechStopped from None
            raise
        return np.clip(samples * self._delivery.volume, -1.0, 1.0), ends
