"""What can be wrong with a recorded session, each in words that say how to go on."""

from __future__ import annotations

from shared.errors import SottoError

__all__ = ["BeingRecorded", "NewerJournal", "NoRecording", "NoSound", "UnreadableLine"]


class NoRecording(SottoError):
    """There is no recorded session of this name."""


class NewerJournal(SottoError):
    """The folder was written by a newer Sotto in a form that this one does not know."""


class BeingRecorded(SottoError):
    """The session goes on: what is being written can be read, and not deleted."""


class NoSound(SottoError):
    """The session's sound was not recorded."""


class UnreadableLine(SottoError):
    """A line of a journal is damaged, or torn, or says what this Sotto does not know."""
