"""`sotto speak`: a text into a WAV file, with the place of each word."""

from __future__ import annotations

from pathlib import Path

from services.app import speech
from ui.cli.session import Session, print_json
from ui.cli.wav import CannotWrite, write_wav

__all__ = ["speak_text"]


def speak_text(session: Session, text: str, output: Path, *, as_json: bool) -> int:
    """Speak `text` into a WAV file, which is written whole or not at all; `-` is standard output."""
    if as_json and str(output) == "-":
        raise CannotWrite("Sound and words cannot both go to standard output.", remedy="Name a WAV file.")
    spoken = speech(session.settings)(text)
    write_wav(output, spoken.pcm, spoken.rate)
    if as_json:
        marks = [
            {
                "text": text[mark.start : mark.end],
                "start": mark.start,
                "end": mark.end,
                "first_sample": mark.first_sample,
                "until_sample": mark.until_sample,
            }
            for mark in spoken.marks
        ]
        seconds = len(spoken.pcm) / 2 / spoken.rate
        print_json({"file": output, "rate": spoken.rate, "seconds": seconds, "engine": spoken.engine, "words": marks})
    return 0
