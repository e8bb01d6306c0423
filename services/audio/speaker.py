"""The speaker: a playback, rendered ahead of a device or pulled by the capture clock, and what was heard of it.

Every block that a device takes carries the time at which its first sample leaves it, so what was heard at any moment is
known to the sample. Requests wait in a queue; one that silences cuts what was rendered ahead before it is obeyed, and
what was cut off is played later or never, but is not taken for heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.audio.lead import Lead
from services.audio.playback import Playback, Span
from services.audio.sound import Sound
from services.audio.tones import TONE_RATE, Chime, tone
from shared.errors import SottoError
from shared.events import Event, TtsAudio
from shared.pcm import Floats

__all__ = ["Heard", "QueueFull", "Speaker"]

_SECOND = 1_000_000_000
_BLOCKS = 200


class QueueFull(SottoError):
    """More speech waits to be played than the settings allow."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a sound got: samples that have left the device, and whether that was the last (said once)."""

    sound: Sound
    until_sample: int
    ended: bool


@dataclass(frozen=True, slots=True)
class _Flight:
    span: Span
    at_ns: int
    rate: int

    def position(self, now_ns: int) -> int | None:
        """Sample of the sound that is leaving at `now_ns`; None once all have left."""
        if now_ns < self.at_ns:
            return self.span.from_sample
        frames = (now_ns - self.at_ns) * self.rate // _SECOND
        if frames >= self.span.frames:
            return None
        share = frames * (self.span.until_sample - self.span.from_sample) // self.span.frames
        return self.span.from_sample + share

    def rest(self, now_ns: int) -> Span:
        """What has not left at `now_ns`."""
        return replace(self.span, from_sample=self.position(now_ns) or self.span.from_sample)


class Speaker:
    """See the module. Times are ns of one monotonic clock that the caller chooses; `limit_s` of speech may wait."""

    def __init__(self, playback: Playback, *, limit_s: float = 1800.0) -> None:
        self._playback = playback
        self._limit_s = limit_s
        self._requests: deque[Callable[[], None]] = deque()
        self._flying: deque[_Flight] = deque()
        self._blocks: deque[tuple[int, Floats]] = deque(maxlen=_BLOCKS)
        self._lead = Lead()
        self._cutting = False
        self._dry = True
        self.asked_ns = 0
        """When the device last asked for a block."""
        self.gaps = 0
        """How often what was ahead ran out amid a sound."""
        self.roused: Callable[[], None] = lambda: None
        """Called at every request: what plays is wanted soon."""

    # ---- the loop's side

    def rouse(self) -> None:
        """Something will be asked for soon."""
        self.roused()

    def append(self, piece: TtsAudio) -> None:
        """See `Playback.append`. Raises QueueFull; the clause is cut off there."""
        if self._playback.waiting_s > self._limit_s:
            self.complete(piece.reply, piece.clause, piece.rate, piece)
            raise QueueFull(
                f"More than {self._limit_s:g} s of speech wait to be played; the rest of the answer is not spoken.",
                remedy="Raise the audio setting `queue_s`, or ask for a shorter answer.",
            )
        self._ask(lambda: self._playback.append(piece))

    def complete(self, reply: str, clause: int, rate: int, by: Event) -> None:
        """See `Playback.complete`."""
        self._ask(lambda: self._playback.complete(reply, clause, rate, by))

    def chime(self, sound: Chime) -> None:
        """Play a built-in sound after what is queued. An alarm ends a mute: somebody set it to be woken."""
        pcm = tone(sound)
        if sound == "alarm":
            self._ask(self._playback.volume.unmute)
        self._ask(lambda: self._playback.chime(pcm, TONE_RATE))

    def pause(self, reply: str) -> None:
        """Silence at once, see `Playback.pause`."""
        self._cut(lambda: self._playback.pause(reply))

    def resume(self, reply: str, clause: int, from_sample: int) -> None:
        """See `Playback.resume`."""
        self._cut(lambda: self._playback.resume(reply, clause, from_sample))

    def stop(self, reply: str) -> None:
        """See `Playback.stop`."""
        self._cut(lambda: self._playback.stop(reply))

    def drop(self, doomed: Callable[[Sound], bool]) -> None:
        """See `Playback.drop`."""
        self._cut(lambda: self._playback.drop(doomed))

    def louder(self) -> None:
        """See `Volume.louder`."""
        self._cut(self._playback.volume.louder)

    def quieter(self) -> None:
        """See `Volume.quieter`."""
        self._cut(self._playback.volume.quieter)

    def set_volume(self, percent: int) -> None:
        """See `Volume.set`."""
        self._cut(lambda: self._playback.volume.set(percent))

    @property
    def idle(self) -> bool:
        """True when nothing is asked, waits, sounds, or is on its way out of the device."""
        return not (self._requests or self._flying or self._lead.frames) and self._playback.idle

    @property
    def rate(self) -> int:
        """Samples per second of the blocks."""
        return self._playback.rate

    def played(self, until_ns: int | None = None) -> list[Floats]:
        """Return the blocks that were taken since the last call, at most the last 200.

        Those that belong to a microphone's frame: asked for when its last sample, `until_ns`, was in the air, and so
        in the air themselves a little later. Each frame has its own, however late and many at once they are seen here.
        """
        blocks = []
        while self._blocks and (until_ns is None or self._blocks[0][0] <= until_ns):
            blocks.append(self._blocks.popleft()[1])
        return blocks

    def heard(self, now_ns: int) -> list[Heard]:
        """Return what has left the device since the last call, one entry per sound that got further, in order."""
        furthest: dict[int, Heard] = {}
        while self._flying:
            flight = self._flying[0]
            position = flight.position(now_ns)
            self._note(furthest, flight, position, now_ns)
            if position is not None:
                break
            self._flying.popleft()
        return list(furthest.values())

    def interrupted(self, now_ns: int) -> list[Heard]:
        """The device was lost: what has not left it by now comes next again; returns what was heard."""
        heard = self.heard(now_ns)
        spans = [flight.rest(now_ns) for flight in self._flying]
        self._flying.clear()
        self._playback.rewind((*spans, *self._lead.cut(0)))
        self._cutting = False
        return heard

    def begin(self, rate: int) -> None:
        """A device that takes blocks at `rate` plays from now on."""
        self._ask(lambda: self._playback.render_at(rate))

    # ---- the device's side

    @property
    def cutting(self) -> bool:
        """See `devices.Source`."""
        return self._cutting

    def ahead(self, frames: int) -> Floats:
        """See `devices.Source`."""
        self._obey()
        block = self._playback.take(frames)
        self._lead.add(block)
        return block.samples

    def took(self, frames: int, silence: int, asked_ns: int, at_ns: int, torn: int = 0) -> None:
        """See `devices.Source`."""
        self.asked_ns = asked_ns
        block = self._lead.take(frames)
        self._fly(block.spans, at_ns)
        whole = np.concatenate((np.zeros(torn, np.float32), block.samples, np.zeros(silence, np.float32)))
        self._blocks.append((asked_ns, whole))
        dry = silence > 0 and self._playback.sounding
        self.gaps += dry and (frames > 0 or not self._dry)
        self._dry = silence > 0

    def cut(self, kept: int) -> None:
        """See `devices.Source`."""
        self._playback.rewind(self._lead.cut(kept))
        self._cutting = False

    def pull(self, frames: int, at_ns: int) -> Floats:
        """Return the next `frames` samples, of which the first leaves the device at `at_ns`: nothing is ahead."""
        self._obey()
        block = self._playback.pull(frames)
        self._fly(block.spans, at_ns)
        self._blocks.append((at_ns, block.samples))
        return block.samples

    def _obey(self) -> None:
        self._cutting = False
        while self._requests:
            self._requests.popleft()()

    def _fly(self, spans: Sequence[Span], at_ns: int) -> None:
        rate = self._playback.rate
        for span in spans:
            if span.sound.reply and (span.frames or span.ended):
                self._flying.append(_Flight(span, at_ns + span.at * _SECOND // rate, rate))

    def _cut(self, request: Callable[[], None]) -> None:
        """Ask for something that must be heard before what is ahead."""
        self._cutting = True
        self._ask(request)

    def _ask(self, request: Callable[[], None]) -> None:
        self._requests.append(request)
        self.roused()

    @staticmethod
    def _note(furthest: dict[int, Heard], flight: _Flight, position: int | None, now_ns: int) -> None:
        sound = flight.span.sound
        until = flight.span.until_sample if position is None else position
        ended = position is None and flight.span.ended and not sound.ended
        if now_ns < flight.at_ns or (until <= sound.heard and not ended):
            return
        sound.heard = max(sound.heard, until)
        sound.ended = sound.ended or ended
        said = furthest.get(id(sound))
        furthest[id(sound)] = Heard(sound, sound.heard, ended or (said is not None and said.ended))
