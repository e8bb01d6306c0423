"""The settings of sound: where it comes from, where it goes, and how it is cleaned."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AudioSettings"]


class AudioSettings(BaseModel):
    """Where sound comes from and goes to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str = "default"
    """Microphone (`default`, part of a name, or an index), a sound file, `-` or a fifo (raw s16le, 16 kHz, mono), or
    `none`."""
    output: str = "default"
    """Speaker (`default`, part of a name, or an index), a `.wav` or `.flac` file to write, `-` or a fifo (raw s16le,
    16 kHz, mono), or `null` to play into nothing."""
    pace: Literal["realtime", "fast"] = "realtime"
    """`fast`: files are read as fast as the assistant keeps up, and the output file is filled by the same clock."""
    trailing_silence_s: float = Field(default=2.0, ge=0)
    """Silence after the end of an input file or pipe, so that the end of the last sentence can be noticed."""
    exit_at_end: bool = False
    """Close the session when the input file or pipe has ended and everything was answered."""
    output_rate: int = Field(default=22_050, ge=8_000, le=192_000)
    """Samples per second of the file that is written; the built-in voices speak at 22050."""
    output_latency_ms: int = Field(default=30, ge=10, le=500)
    """Sound that a speaker device holds ahead: less silences it sooner, more keeps a busy machine from stuttering."""
    volume: int = Field(default=100, ge=0, le=100)
    """Percent of full scale at start."""
    echo_cancellation: bool | None = None
    """Take the assistant's own voice out of the microphone; unset: when both microphone and speaker are devices."""
    noise_suppression: bool = False
    """Take steady noise out of the microphone; off, because recognition understands less of what is left of speech."""
    gain_control: bool | None = None
    """Bring quiet voices up; unset: for devices."""
    queue_s: float = Field(default=1800.0, gt=0)
    """Seconds of speech that may wait to be played; what comes beyond is refused with an error."""
