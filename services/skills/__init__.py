"""Skills: what Sotto answers without a language model, in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.skills.service import SkillsService
    from services.skills.settings import SkillsSettings
else:
    __getattr__ = lazily(__name__, {".service": "SkillsService", ".settings": "SkillsSettings"})

__all__ = ["SkillsService", "SkillsSettings"]
