"""What was rendered ahead of the device: given out in the device's own blocks, or taken back where it is cut."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from services.audio.playback import Block, Span
from shared.pcm import Floats

__all__ = ["Lead"]


class Lead:
    """Frames in order, each belonging to the span of a sound. None is lost: `take` or `cut` returns it once."""

    def __init__(self) -> None:
        self._samples: deque[Floats] = deque()
        self._spans: deque[Span] = deque()
        self.frames = 0
        """Frames that are ahead."""

    def add(self, block: Block) -> None:
        """Append a block without silence in it."""
        self._spans.extend(replace(s, at=self.frames + s.at) for s in block.spans if s.frames or s.ended)
        if block.samples.size:
            self._samples.append(block.samples)
        self.frames += block.samples.size

    def take(self, frames: int) -> Block:
        """Return the first `frames` (all when there are fewer), their spans counted from the first of them."""
        samples = self._first(frames)
        spans = []
        while self._spans and self._spans[0].at + self._spans[0].frames <= samples.size:
            spans.append(self._spans.popleft())
        if self._spans and self._spans[0].at < samples.size:
            done, rest = _split(self._spans.popleft(), samples.size)
            spans.append(done)
            self._spans.appendleft(rest)
        self._spans = deque(replace(s, at=s.at - samples.size) for s in self._spans)
        return Block(samples, tuple(spans))

    def cut(self, kept: int) -> tuple[Span, ...]:
        """Keep the first frames, fading out; return the spans of what is dropped."""
        head = self.take(kept)
        dropped = tuple(self._spans)
        self._samples.clear()
        self._spans.clear()
        self.frames = 0
        fade = np.linspace(1.0, 0.0, head.samples.size, endpoint=False, dtype=np.float32)
        self.add(Block(np.asarray(head.samples * fade, dtype=np.float32), head.spans))
        return dropped

    def _first(self, frames: int) -> Floats:
        taken: list[Floats] = []
        while self._samples and frames > 0:
            piece = self._samples.popleft()
            if piece.size > frames:
                self._samples.appendleft(piece[frames:])
            taken.append(piece[:frames])
            frames -= taken[-1].size
        self.frames -= sum(piece.size for piece in taken)
        return np.concatenate(taken) if taken else np.zeros(0, np.float32)


def _split(span: Span, at: int) -> tuple[Span, Span]:
    """The part of a span before a frame, and the part from it on."""
    frames = at - span.at
    sample = span.from_sample + frames * (span.until_sample - span.from_sample) // span.frames
    before = replace(span, frames=frames, until_sample=sample, ended=False)
    return before, replace(span, at=at, frames=span.frames - frames, from_sample=sample)
