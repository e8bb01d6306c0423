"""What can be set about skills."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SkillsSettings"]


class SkillsSettings(BaseModel):
    """Language, home and the manners of what rings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: tuple[Literal["en", "de", "fr", "es"], ...] = Field(("en", "de", "fr", "es"), min_length=1)
    """Languages that skills listen to; the first is used when the language of a sentence is not known to them."""
    timezone: str = ""
    """IANA name of the home's time zone, as Europe/Berlin; empty for the machine's own."""
    hours: Literal["custom", "12", "24"] = "custom"
    """How times of day are said; `custom` follows the language."""
    alarms_file: Path = Path("~/.local/share/sotto/alarms.json")
    """Where timers and alarms are kept over a restart."""
    ring_every_s: float = Field(15.0, ge=1.0)
    """Seconds from one ring of an alarm to the next."""
    rings: int = Field(20, ge=1)
    """How often an alarm rings at most when nobody silences it."""
    snooze_s: float = Field(540.0, ge=10.0)
    """How long "snooze" lets one sleep."""
    meaning: bool = False
    """Offer the language model vectors as well: to embed a text, to compare texts, and to search what is remembered.
    What it needs of memory it is told unasked; each tool takes a part of what a small model can keep in mind."""
    most_alarms: int = Field(50, ge=1)
    """How many timers and alarms may be set at once."""
