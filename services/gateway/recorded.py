"""Recorded sessions, as far as others may read them here: which there are, their events, their sound.

Everything here looks at the disk and blocks.
"""

from __future__ import annotations

import io
import itertools
import json
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from bus.journal import Recording, recordings
from services.gateway.feed import Filter
from shared.errors import SottoError
from shared.events import REGISTRY, Event, encode
from shared.pcm import CAPTURE_RATE, pcm16

__all__ = ["LONGEST", "NoSuchSession", "Shelf", "TooLong"]

LONGEST = 600 * CAPTURE_RATE
"""Samples that are given at once: ten minutes, 19 MB."""


class NoSuchSession(SottoError):
    """No recorded session has this id."""


class TooLong(SottoError):
    """More sound is asked for than is given at once, or less than none."""


class Shelf:
    """The recorded sessions under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def sessions(self) -> list[dict[str, JsonValue]]:
        """Return one line for each session, the oldest first."""
        return [
            {
                "id": one.id,
                "started_at": one.started_at,
                "events": one.events,
                "bytes": one.bytes,
                "over": one.over,
                "sound": one.sound,
                "live": one.live,
            }
            for one in recordings(self._root)
        ]

    def events(self, session: str, since: str | None, limit: int, kinds: str = "") -> Sequence[JsonValue]:
        """Return at most `limit` events after the one with id `since`; samples stay where they are.

        Raises NoSuchSession, NoSuchKind, and what the journal raises.
        """
        wanted = Filter.of(REGISTRY, kinds, None, None).kinds
        events = itertools.islice((e for e in self._recording(session).events(since) if type(e) in wanted), limit)
        return [json.loads(encode(event)[0]) for event in events]

    def after(self, session: str, since: str) -> Iterator[Event]:
        """Return what was recorded after the event `since`, as it is read. Raises as `events` does, then or later."""
        return self._recording(session).events(since)

    def wav(
        self, session: str, track: Literal["microphone", "speaker"], first_sample: int, until_sample: int | None
    ) -> bytes:
        """Return a stretch of sound as WAV at 16 kHz. Raises NoSuchSession, TooLong, and what the journal raises."""
        recording = self._recording(session)
        until = recording.samples if until_sample is None else until_sample
        if not 0 <= first_sample <= until <= first_sample + LONGEST:
            raise TooLong(
                f"From {first_sample} to {until} is no stretch of at most {LONGEST} samples.",
                remedy="Ask for it in pieces, with first_sample below until_sample.",
            )
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(CAPTURE_RATE)
            file.writeframes(pcm16(recording.audio(track, first_sample, until)))
        return buffer.getvalue()

    def folder(self, session: str) -> Path:
        """Return where a session lies. Raises NoSuchSession."""
        # By what is there, never by a path that somebody sends.
        for one in recordings(self._root):
            if one.id == session:
                return one.folder
        raise NoSuchSession(f"There is no recorded session {session!r}.", remedy="GET /v1/sessions lists them.")

    def _recording(self, session: str) -> Recording:
        return Recording(self.folder(session))
