"""Sound in and out. Captured positions count samples at 16 kHz from the first sample of the session."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event

__all__ = [
    "AudioCaptured",
    "AudioChime",
    "AudioHear",
    "AudioPause",
    "AudioPlayed",
    "AudioResume",
    "AudioStop",
    "AudioVolume",
]


class AudioCaptured(Event):
    """One frame from the microphone, echo-cancelled, mono s16le (20 ms unless the input ends)."""

    kind: ClassVar[str] = "audio.captured"
    payload: ClassVar[str | None] = "pcm"
    first_sample: int
    """Position of the frame's first sample on the capture clock."""
    rate: int
    """Samples per second, always 16000 inside Sotto."""
    pcm: bytes


class AudioHear(Event):
    """Request: let the microphone hear these samples, mono s16le, over whatever it hears, after what waits already."""

    kind: ClassVar[str] = "audio.hear"
    payload: ClassVar[str | None] = "pcm"
    rate: int
    """Samples per second, always 16000 inside Sotto."""
    pcm: bytes


class AudioPlayed(Event):
    """How far the speaker really got: samples up to `until_sample` of a clause have left the device."""

    kind: ClassVar[str] = "audio.played"
    reply: str
    """The answer being spoken, as named in `tts.request`."""
    clause: int
    """Index of the clause within the reply, from 0."""
    until_sample: int
    """Samples of this clause that were played, counted from its first sample, at `rate`."""
    rate: int
    capture_sample: int
    """Position of the capture clock at that moment (0 when nothing is captured)."""
    ended: bool
    """True once for each clause: its last sample was played."""


class AudioPause(Event):
    """Request: silence the speaker at once and keep what is queued (first step of a barge-in)."""

    kind: ClassVar[str] = "audio.pause"
    reply: str


class AudioResume(Event):
    """Request: go on with a paused reply from a given place (a false interruption)."""

    kind: ClassVar[str] = "audio.resume"
    reply: str
    clause: int
    from_sample: int
    """Sample of the clause to go on from, usually the last word boundary."""


class AudioStop(Event):
    """Request: drop what is queued and playing of a reply (all replies when `reply` is empty), and chimes."""

    kind: ClassVar[str] = "audio.stop"
    reply: str


class AudioVolume(Event):
    """Request: change the loudness of the output by steps of 6 dB, or set it."""

    kind: ClassVar[str] = "audio.volume"
    change: Literal["louder", "quieter", "set"]
    percent: int | None
    """0 to 100, for `set`."""


class AudioChime(Event):
    """Request: play a short built-in sound, after what is queued."""

    kind: ClassVar[str] = "audio.chime"
    sound: Literal["wake", "alarm", "error"]
