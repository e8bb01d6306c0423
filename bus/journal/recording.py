"""A recorded session: its events in the published order, what dialogue was given, and its sound by position.

Reading never fails over one bad place: what cannot be read is passed over and told in `problems`. It may be read while
it is being written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bus.journal.errors import BeingRecorded, NewerJournal, NoRecording, NoSound, UnreadableLine
from bus.journal.lines import Entry, entries_of, is_event
from bus.journal.place import FORMAT, Place, Track, clause_name
from bus.journal.sound import read_block, read_microphone
from shared.events import AudioPlayed, Event
from shared.pcm import CAPTURE_RATE, Floats, resample

__all__ = ["Problem", "Recording", "Summary", "delete", "find", "recordings"]

_FULL_SCALE = 32_768.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, and where."""

    place: str
    """File, and the line in it from 1 (0: all of it)."""
    line: int
    what: str
    """For a person."""
    torn: bool = False
    """The recording was cut off there, as by a crash; nothing else is missing."""

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.what}" if self.line else f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Summary:
    """A recorded session at a glance."""

    id: str
    folder: Path
    started_at: int
    """Unix ns."""
    events: int
    """But for the microphone's frames."""
    bytes: int
    over: str
    """voice, text, file or socket; empty when it is not known."""
    sound: bool
    """Sound was recorded too."""
    live: bool
    """It is being recorded now."""


class Recording:
    """See the module. Raises NoRecording and NewerJournal when it is made."""

    def __init__(self, folder: Path) -> None:
        self._place = Place(folder)
        self._problems: dict[tuple[str, int], Problem] = {}
        if not folder.is_dir() or not (self._place.card.is_file() or self._place.segments()):
            raise NoRecording(
                f"There is no recorded session in {folder}.", remedy="`sotto sessions list` names those there are."
            )
        self._card = self._read_card()
        format = self._card.get("format", FORMAT)
        if format != FORMAT:
            raise NewerJournal(
                f"{folder.name} was recorded by a newer Sotto (its form is {format}, this one knows {FORMAT}).",
                remedy="Update Sotto; the recording is left as it is.",
            )
        self.folder = folder
        self.session = str(self._card.get("session", folder.name))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read so far, in order."""
        return tuple(problem for _, problem in sorted(self._problems.items()))

    @property
    def started_at(self) -> int:
        """When it began, unix ns; 0 when nothing says so."""
        started = self._card.get("started_at")
        return started if isinstance(started, int) else next((event.at for event in self.events()), 0)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it was held with, as JSON."""
        settings = self._card.get("settings")
        return settings if isinstance(settings, dict) else {}

    def entries(self) -> Iterator[Entry]:
        """Return events and dialogue's steps, in the order in which they came."""
        segments = self._place.segments()
        gone = sorted(set(range(1, max(segments, default=1))) - set(segments))
        for number in gone:
            name = self._place.segment(number).name
            self._problem(name, 0, "It is not there: deleted, or let go to keep within the size that was set.")
        for path in segments.values():
            yield from self._entries_in(path)

    def events(self, since: str | None = None) -> Iterator[Event]:
        """Return the events after the one with id `since` (None: all), in the published order.

        Sound is silence of the same length here; `audio` has what was recorded. Raises NoRecording when no event has
        the id `since`.
        """
        found = since is None
        for entry in self.entries():
            if isinstance(entry, Event):
                if found:
                    yield entry
                found = found or entry.id == since
        if not found:
            raise NoRecording(f"{self.session} holds no event {since}.", remedy="Read it from the start.")

    def audio(self, track: Track, first_sample: int, until_sample: int) -> Floats:
        """Return what was heard or played between two positions of the capture clock, 16 kHz, shape (samples,).

        Where nothing was recorded, or its block is missing or damaged, is silence; `problems` says so. Raises NoSound.
        """
        if first_sample < 0 or until_sample < first_sample:
            raise ValueError("positions go from 0 on, the first one first")
        if not self.has_sound:
            raise NoSound(
                f"The sound of {self.session} was not recorded.", remedy="`--set journal.audio=true` records it."
            )
        sound = np.zeros(until_sample - first_sample, np.float32)
        pieces = self._heard(first_sample, until_sample) if track == "microphone" else self._played()
        for start, samples in pieces:
            begin, end = max(start, first_sample), min(start + len(samples), until_sample)
            if begin < end:
                sound[begin - first_sample : end - first_sample] = samples[begin - start : end - start]
        return sound

    @property
    def has_sound(self) -> bool:
        """True when sound was recorded."""
        return (self.folder / "audio").is_dir()

    @property
    def samples(self) -> int:
        """The position of the capture clock up to which the microphone was recorded."""
        blocks = list(self._place.blocks("microphone"))
        return blocks[-1].position + len(read_block(blocks[-1])[0]) if blocks else 0

    def summary(self) -> Summary:
        """Return what it is at a glance."""
        events = 0
        for path in self._place.segments().values():
            with path.open("rb") as lines:
                events += sum(map(is_event, lines))
        return Summary(
            id=self.session,
            folder=self.folder,
            started_at=self.started_at,
            events=events,
            bytes=self._place.bytes,
            over=str(self._card.get("over", "")),
            sound=self.has_sound,
            live=self._place.live,
        )

    def _entries_in(self, path: Path) -> Iterator[Entry]:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield from entries_of(line)
                except UnreadableLine as error:
                    self._problem(path.name, number, str(error), torn=not line.endswith(b"\n"))

    def _heard(self, first_sample: int, until_sample: int) -> Iterator[tuple[int, Floats]]:
        position = first_sample
        for start, samples in read_microphone(self._place, first_sample, until_sample):
            self._silence(position, start)
            yield start, samples.astype(np.float32) / _FULL_SCALE
            position = start + len(samples)
        self._silence(position, until_sample)

    def _silence(self, first_sample: int, until_sample: int) -> None:
        if first_sample < until_sample:
            span = f"{first_sample / CAPTURE_RATE:.2f} s to {until_sample / CAPTURE_RATE:.2f} s"
            self._problem("audio/microphone", first_sample, f"Nothing is there from {span}: silence stands for it.")

    def _played(self) -> Iterator[tuple[int, Floats]]:
        """What left the speaker, piece by piece, from the reports of how far it got."""
        blocks = {block.stem: block for block in self._place.blocks("speaker")}
        stem, samples, rate, before = "", np.zeros(0, np.float32), CAPTURE_RATE, 0
        for event in self.events():
            if not isinstance(event, AudioPlayed):
                continue
            name = clause_name(event.session, event.reply, event.clause)
            if name != stem:
                stem, before = name, 0
                found, rate = read_block(blocks[name]) if name in blocks else (np.zeros(0, np.int16), event.rate)
                samples = found.astype(np.float32) / _FULL_SCALE
            if event.until_sample > before:
                piece = resample(samples[before : event.until_sample], rate, CAPTURE_RATE)
                yield max(0, event.capture_sample - len(piece)), piece
            before = event.until_sample

    def _read_card(self) -> dict[str, Any]:
        try:
            card = json.loads(self._place.card.read_bytes())
        except (OSError, ValueError) as error:
            self._problem(self._place.card.name, 0, f"It cannot be read ({error}); the events say what they can.")
            return {}
        return card if isinstance(card, dict) else {}

    def _problem(self, place: str, line: int, what: str, *, torn: bool = False) -> None:
        self._problems[place, line] = Problem(place, line, what, torn)


def recordings(root: Path) -> list[Summary]:
    """Return the sessions recorded under `root`, the oldest first. Those of a newer form are left out."""
    summaries = []
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("."):
            try:
                summaries.append(Recording(folder).summary())
            except (NoRecording, NewerJournal):
                continue
    return sorted(summaries, key=lambda summary: (summary.started_at, summary.id))


def find(root: Path, session: str) -> Recording:
    """Return the recording whose session begins with `session` (a folder's path is taken too; `last` is the newest).

    Raises NoRecording when there is none or more than one, and NewerJournal.
    """
    if Path(session).is_dir():
        return Recording(Path(session))
    known = recordings(root)
    if session == "last" and known:
        return Recording(known[-1].folder)
    exact = root / session
    if session and Path(session).name == session and exact.is_dir():
        return Recording(exact)
    found = [summary for summary in known if session and summary.id.startswith(session)]
    if len(found) == 1:
        return Recording(found[0].folder)
    what = f"{len(found)} recorded sessions begin with" if found else "There is no recorded session"
    raise NoRecording(f"{what} {session!r} in {root}.", remedy="`sotto sessions list` names those there are.")


def delete(recording: Recording) -> None:
    """Remove all that was recorded of a session. Raises BeingRecorded while it goes on."""
    folder = recording.folder
    if Place(folder).live:
        raise BeingRecorded(
            f"{recording.session} is being recorded.", remedy="End that conversation, then delete its recording."
        )
    gone = folder.with_name(f".gone-{folder.name}")
    folder.rename(gone)  # half of it is never taken for a session
    shutil.rmtree(gone)
