"""What can go wrong with models, each a sentence for a person and the command that mends it."""

from __future__ import annotations

from shared.errors import SottoError

__all__ = [
    "DiskFull",
    "FolderUnusable",
    "HashConflict",
    "LockUnreadable",
    "NoSource",
    "PullCancelled",
    "PullUnderWay",
    "SizeConflict",
    "SourceFailed",
    "UnknownModel",
    "WrongHash",
]


class UnknownModel(SottoError):
    """No model of this name is in the catalogue or on disk."""


class NoSource(SottoError):
    """No source gave the file."""


class SourceFailed(SottoError):
    """One source does not have the file, cannot be reached or broke off; another may be tried."""


class HashConflict(SottoError):
    """Two authorities state different hashes or sizes for one file: nothing is downloaded."""


class SizeConflict(HashConflict):
    """Two authorities state different sizes for one file."""


class WrongHash(SottoError):
    """The bytes that came are not the ones that were stated; they are thrown away."""


class DiskFull(SottoError):
    """The disk has no room for the model; nothing half-written is left."""


class FolderUnusable(SottoError):
    """Models cannot be kept in the folder."""


class LockUnreadable(SottoError):
    """models.lock cannot be understood."""


class PullUnderWay(SottoError):
    """Another process is pulling into the same folder."""


class PullCancelled(SottoError):
    """The pull was stopped; what has arrived is kept and the next pull goes on from there."""
