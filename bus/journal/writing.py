"""Writing a session's journal, line by line into files that are only ever appended to.

Every method blocks and belongs to one thread; OSError (a full disk) goes to the caller, and what is there stays good.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from bus.journal.forgetting import forget
from bus.journal.lines import Entry, Frames, Step, event_line, step_line
from bus.journal.place import FORMAT, Place, folder_name
from bus.journal.sound import SoundWriter
from shared.events import AudioCaptured, MemoryForget, TtsAudio

__all__ = ["Journal"]

_SEGMENT_BYTES = 8 << 20


class Journal:
    """The journal of `session`, in a folder of its own under `root` that is made here.

    `segment_bytes` is the size at which the events go on in another file.
    """

    def __init__(
        self,
        root: Path,
        session: str,
        *,
        started_at: int,
        over: str = "",
        settings: Mapping[str, object] | None = None,
        sound: bool = False,
        segment_bytes: int = _SEGMENT_BYTES,
    ) -> None:
        self.place = Place(root / folder_name(session))
        self.place.folder.mkdir(0o700, parents=True, exist_ok=True)
        self.segments = 0
        """Number of the file of events that is being written."""
        self.written = 0
        """Bytes written so far, sound before it is packed."""
        self._segment_bytes = segment_bytes
        self._sound = SoundWriter(self.place) if sound else None
        self._frames: Frames | None = None
        self._waiting = bytearray()
        self._in_file = 0
        self._file = -1
        self._lock = os.open(self.place.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_card(session, started_at, over, settings or {})
            self._file = self._next_file()
        except OSError:
            self._unlock()
            raise

    def write(self, entry: Entry) -> None:
        """Take an event or a step in; it is in the file after `flush`, a run of frames when it ends."""
        if isinstance(entry, AudioCaptured):
            self._frame(entry)
        elif isinstance(entry, Step):
            self._step(entry)
        else:
            self._line(event_line(entry))
        if self._sound is not None and isinstance(entry, AudioCaptured | TtsAudio):
            self._sound.write(entry)
            self.written += len(entry.pcm)
        if self._in_file + len(self._waiting) >= self._segment_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what waits, in one go. Begins another file when this one is full."""
        if self._waiting:
            data = bytes(self._waiting)
            self._waiting.clear()
            try:
                _write_all(self._file, data)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._in_file)
                raise
            self._in_file += len(data)
            self.written += len(data)
        if self._in_file >= self._segment_bytes:
            self._close_file()
            self._file = self._next_file()

    def forget(self, order: MemoryForget) -> int:
        """Remove what was written so far of what the order names; returns how many turns went."""
        self._end_run()
        self.flush()
        if self._sound is not None:
            self._sound.close()
        self._close_file()
        try:
            return forget(self.place.folder, order)
        finally:
            self._file = self._next_file()

    def close(self) -> None:
        """Write the rest and end the recording; the folder's lock goes in any case."""
        try:
            self._end_run()
            self.flush()
            if self._sound is not None:
                self._sound.close()
        finally:
            self._close_file()
            self._unlock()

    def abandon(self) -> None:
        """End the recording as it is, if it has not ended."""
        self._close_file()
        self._unlock()

    def _frame(self, frame: AudioCaptured) -> None:
        if self._frames is not None and self._frames.takes(frame):
            return
        self._end_run()
        self._frames = Frames(frame)

    def _step(self, step: Step) -> None:
        if self._frames is None or not self._frames.takes_step(step):
            self._line(step_line(step))

    def _line(self, line: bytes) -> None:
        self._end_run()
        self._waiting += line

    def _end_run(self) -> None:
        frames, self._frames = self._frames, None
        if frames is not None:
            self._waiting += frames.line()

    def _next_file(self) -> int:
        self.segments = (self.segments or max(self.place.segments(), default=0)) + 1
        self._in_file = 0
        return os.open(self.place.segment(self.segments), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _close_file(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _unlock(self) -> None:
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _write_card(self, session: str, started_at: int, over: str, settings: Mapping[str, object]) -> None:
        card = {
            "format": FORMAT,
            "session": session,
            "started_at": started_at,
            "over": over,
            "settings": settings,
        }
        made = self.place.card.with_suffix(".part")
        made.write_text(json.dumps(card, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
        made.rename(self.place.card)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
