"""What can be set about recording: whether, what of it, where, and for how long it is kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["JournalSettings"]


class JournalSettings(BaseModel):
    """Settings under `journal`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether the events of a session are recorded, texts included. They stay on this machine."""
    audio: bool = False
    """Whether its sound is recorded as well: what the microphone hears, and what is spoken."""
    folder: Path | None = None
    """Where sessions are kept; by default the folder for a person's data, `sotto/sessions` in it."""
    budget_mb: int = Field(default=1000, ge=1)
    """Megabytes that all sessions may take together; the oldest go first."""
    max_age_days: int = Field(default=30, ge=1)
    """Days after which a session is deleted."""

    @property
    def root(self) -> Path:
        """The folder that holds the sessions."""
        if self.folder is not None:
            return self.folder
        from platformdirs import user_data_path

        return user_data_path("sotto") / "sessions"
