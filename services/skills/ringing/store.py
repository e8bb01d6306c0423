"""Where timers and alarms are kept: one JSON file, written whole and swapped in, so that it is never half-written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from services.skills.ringing.kept import Kept
from shared.errors import SottoError

__all__ = ["AlarmFile", "AlarmStore", "AlarmsDamaged", "Unsaved"]


class AlarmsDamaged(SottoError):
    """The file of timers and alarms cannot be read; it was set aside."""


class Unsaved(SottoError):
    """Timers and alarms could not be written: they ring as long as Sotto runs, and are lost when it ends."""


class AlarmStore(Protocol):
    """A place that outlives the service. Both calls block and are made from one thread."""

    def load(self) -> Kept:
        """Return what was saved last; raise AlarmsDamaged when it cannot be read (a second call then finds none)."""
        ...

    def save(self, kept: Kept) -> None:
        """Keep exactly this; raise Unsaved when that fails, with what was kept before still there."""
        ...


class AlarmFile:
    """A JSON file; its folder is made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Kept:
        try:
            return Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return Kept(alarms=())
        except (OSError, ValidationError) as error:
            aside = self._path.with_suffix(".damaged")
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            raise AlarmsDamaged(
                f"The timers and alarms in {self._path} could not be read: {_first_line(error)}.",
                remedy=f"The file is now {aside}; set what is still needed again.",
            ) from error

    def save(self, kept: Kept) -> None:
        draft = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(kept.model_dump_json(indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise Unsaved(
                f"Timers and alarms could not be written to {self._path}: {error.strerror or error}.",
                remedy="They ring as long as Sotto runs. Free some space, or set skills.alarms_file to another place.",
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
