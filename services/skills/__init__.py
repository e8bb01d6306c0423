"""Skills: what Sotto answers without a language model, in milliseconds."""

from __future__ import annotations

from services.skills.service import SkillsService
from services.skills.settings import SkillsSettings

__all__ = ["SkillsService", "SkillsSettings"]
