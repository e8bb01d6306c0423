"""What is played, in which order, to the sample: a pure machine that blocks are pulled from.

Clauses of a reply play in the order of their index, replies and chimes in the order in which they came. Every pulled
block says which samples of which clause it holds. A pause, a stop and a fence fade out within 5 ms of where the last
block ended. What was taken ahead of a device and will not be played after all goes back (`rewind`). Nothing here knows
time or threads.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.audio.sound import Rendering, Sound
from services.audio.volume import Volume
from shared.events import Event, TtsAudio
from shared.pcm import Floats

__all__ = ["Block", "Playback", "Span"]

_FADE_S = 0.005
_REMEMBERED_REPLIES = 256
_HISTORY_SOUNDS = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A run of frames within a block and the samples of the sound that they are."""

    sound: Sound
    at: int
    """First frame within the block."""
    frames: int
    from_sample: int
    until_sample: int
    ended: bool
    """The sound's last sample is in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Samples for the device, shape (frames,), and what they are; frames outside the spans are silence."""

    samples: Floats
    spans: tuple[Span, ...]


class Playback:
    """See the module. `rate` is the device's."""

    def __init__(self, rate: int, *, percent: int = 100) -> None:
        self.volume = Volume(percent)
        self._rate = rate
        self._queue: list[Sound] = []
        self._history: deque[Sound] = deque(maxlen=_HISTORY_SOUNDS)
        self._current: Rendering | None = None
        self._tail: Block | None = None
        self._paused: str | None = None
        self._next: OrderedDict[str, int] = OrderedDict()
        self._stopped: OrderedDict[str, None] = OrderedDict()

    @property
    def rate(self) -> int:
        """Samples per second of the blocks."""
        return self._rate

    @property
    def idle(self) -> bool:
        """True when nothing waits or sounds."""
        return not self._queue and self._tail is None

    @property
    def paused(self) -> bool:
        """True between a pause and the resume or the end of what was paused."""
        return self._paused is not None

    @property
    def sounding(self) -> bool:
        """True amid a sound."""
        return self._current is not None

    # ---- what is to be played

    def append(self, piece: TtsAudio) -> None:
        """Add a piece of a clause. Pieces of stopped replies and of clauses already played are ignored."""
        sound = self._sound(piece.reply, piece.clause, piece.rate, piece)
        if sound is not None and not sound.whole:
            sound.extend(piece.first_sample, piece.pcm)
            sound.whole = piece.last

    def complete(self, reply: str, clause: int, rate: int, by: Event) -> None:
        """No samples of this clause will come any more: it was synthesised, or that failed."""
        sound = self._sound(reply, clause, rate, by)
        if sound is not None:
            sound.whole = True

    def chime(self, pcm: bytes, rate: int) -> None:
        """Add a sound after what is queued; it is never reported."""
        self._queue.append(Sound("", 0, rate, pcm=bytearray(pcm), whole=True))

    @property
    def waiting_s(self) -> float:
        """Seconds of sound in the queue."""
        return sum(s.samples / s.rate for s in list(self._queue))

    # ---- control

    def pause(self, reply: str) -> None:
        """Silence, and keep what is queued, until `resume` or `stop` of this reply."""
        self._fade_out()
        self._paused = reply

    def resume(self, reply: str, clause: int, from_sample: int) -> None:
        """Go on with a reply from a sample of one of its clauses, even if it was played before."""
        if self._paused == reply:
            self._paused = None
        self.seek(reply, clause, from_sample)

    def seek(self, reply: str, clause: int, from_sample: int) -> None:
        """Make `from_sample` of `clause` the reply's next sample; nothing happens when it is no longer known."""
        known = {s.clause: s for s in (*self._history, *self._queue) if s.reply == reply}
        if clause not in known:
            return
        head = [s for s in self._queue[:1] if self._current is not None and s.reply != reply]
        again = [s for _, s in sorted(known.items()) if s.clause >= clause]
        rest = [s for s in self._queue if s.reply != reply and s not in head]
        if not head:
            self._current = None
        for sound in again:
            sound.start = 0
        known[clause].start = max(0, from_sample)
        self._next[reply] = clause
        self._history = deque((s for s in self._history if s not in again), maxlen=_HISTORY_SOUNDS)
        self._queue = head + again + rest

    def stop(self, reply: str) -> None:
        """Drop a reply, what of it may still come, and chimes; all replies known by now when `reply` is empty."""
        for name in [reply] if reply else list(self._next):
            self._stopped[name] = None
            self._stopped.move_to_end(name)
        self.drop(lambda s: not reply or s.reply in ("", reply))
        if not reply or self._paused == reply:
            self._paused = None
        self._forget_old_replies()

    def drop(self, doomed: Callable[[Sound], bool]) -> None:
        """Drop every sound that is `doomed`, the one that sounds with a fade."""
        if self._current is not None and doomed(self._current.sound):
            self._fade_out()
            self._current = None
        if self._paused and any(s.reply == self._paused and doomed(s) for s in (*self._queue, *self._history)):
            self._paused = None
        self._queue = [s for s in self._queue if not doomed(s)]
        self._history = deque((s for s in self._history if not doomed(s)), maxlen=_HISTORY_SOUNDS)

    def render_at(self, rate: int) -> None:
        """Go on at another device's rate, from where the last block ended."""
        if rate == self._rate:
            return
        self._settle()
        self._rate = rate

    # ---- the device's side

    def pull(self, frames: int) -> Block:
        """Return the next `frames` samples; silence where there is nothing to play yet."""
        block = self.take(frames)
        samples = np.zeros(frames, np.float32)
        samples[: block.samples.size] = block.samples
        return Block(samples, block.spans)

    def take(self, frames: int) -> Block:
        """Return the next samples, at most `frames`; fewer when that is all there is to play by now."""
        samples = np.zeros(frames, np.float32)
        spans: list[Span] = []
        at = self._pull_tail(samples, spans)
        while at < frames and self._paused is None:
            rendering = self._rendering()
            if rendering is None:
                break
            taken, span = self._take(rendering, frames - at, at)
            spans.append(span)
            samples[at : at + taken.size] = taken
            at += taken.size
            if not (taken.size or span.ended):
                break
        return Block(self.volume.apply(samples[:at]) if at else samples[:0], tuple(spans))

    def rewind(self, spans: Sequence[Span]) -> None:
        """These, the last that were taken, will not be played: they come next again, with a fade in."""
        self._settle()
        first: dict[int, Span] = {}
        for span in spans:
            first.setdefault(id(span.sound), span)
        for span in reversed(first.values()):
            self._put_back(span.sound, span.from_sample)

    def _settle(self) -> None:
        """Forget the rendering of what sounds, which goes on where it was."""
        if self._current is not None:
            self._current.sound.start = self._current.position
            self._current = None
        self._tail = None

    def _put_back(self, sound: Sound, from_sample: int) -> None:
        sound.start = from_sample
        if sound in self._queue:
            return
        self._queue.insert(0, sound)
        if sound.reply:
            self._next[sound.reply] = sound.clause
        if sound in self._history:
            self._history.remove(sound)

    def _rendering(self) -> Rendering | None:
        if self._current is None and self._queue:
            sound = self._queue[0]
            if not sound.reply or sound.clause <= self._next.get(sound.reply, 0):
                self._current = Rendering(sound, self._rate)
        return self._current

    def _take(self, rendering: Rendering, frames: int, at: int) -> tuple[Floats, Span]:
        before = rendering.position
        taken = rendering.take(frames)
        if rendering.finished:
            self._finish(rendering.sound)
        return taken, Span(rendering.sound, at, taken.size, before, rendering.position, rendering.finished)

    def _finish(self, sound: Sound) -> None:
        self._current = None
        self._queue.remove(sound)
        if not sound.reply:
            return
        self._next[sound.reply] = sound.clause + 1
        if self._history and self._history[-1].reply != sound.reply:
            self._history.clear()
        self._history.append(sound)

    def _fade_out(self) -> None:
        if self._current is None or self._paused is not None:
            return
        taken, span = self._take(self._current, int(_FADE_S * self._rate), 0)
        self._tail = Block(taken * np.linspace(1.0, 0.0, taken.size, dtype=np.float32), (span,))

    def _pull_tail(self, samples: Floats, spans: list[Span]) -> int:
        if self._tail is None:
            return 0
        tail, self._tail = self._tail, None
        count = min(samples.size, tail.samples.size)
        samples[:count] = tail.samples[:count]
        if count < tail.samples.size:
            self._tail = Block(tail.samples[count:], tail.spans)
        else:
            spans.extend(tail.spans)
        return count

    def _sound(self, reply: str, clause: int, rate: int, by: Event) -> Sound | None:
        """Return the clause, new in its place if need be; None when it is not to be played (any more)."""
        if reply in self._stopped or clause < self._next.setdefault(reply, 0):
            return None
        self._forget_old_replies()
        found = next((s for s in self._queue if s.reply == reply and s.clause == clause), None)
        return found or self._insert(Sound(reply, clause, rate, by))

    def _insert(self, sound: Sound) -> Sound:
        mine = [i for i, s in enumerate(self._queue) if s.reply == sound.reply]
        later = next((i for i in mine if self._queue[i].clause > sound.clause), None)
        place = later if later is not None else mine[-1] + 1 if mine else len(self._queue)
        self._queue.insert(place, sound)
        return sound

    def _forget_old_replies(self) -> None:
        for names in (self._next, self._stopped):
            while len(names) > _REMEMBERED_REPLIES:
                names.popitem(last=False)
