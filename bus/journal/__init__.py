"""The journal: sessions as folders that are only ever appended to, survive any crash, and can be run again."""

from __future__ import annotations

from bus.journal.errors import BeingRecorded, NewerJournal, NoRecording, NoSound, UnreadableLine
from bus.journal.forgetting import forget
from bus.journal.keeping import sweep
from bus.journal.lines import Entry, Step, kept
from bus.journal.place import Track
from bus.journal.recorder import Recorder
from bus.journal.recording import Problem, Recording, Summary, delete, find, recordings
from bus.journal.writing import Journal

__all__ = [
    "BeingRecorded",
    "Entry",
    "Journal",
    "NewerJournal",
    "NoRecording",
    "NoSound",
    "Problem",
    "Recorder",
    "Recording",
    "Step",
    "Summary",
    "Track",
    "UnreadableLine",
    "delete",
    "find",
    "forget",
    "kept",
    "recordings",
    "sweep",
]
