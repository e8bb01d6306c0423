"""The settings tree: every service's own part, and the few values that several of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.audio.settings import AudioSettings
from services.dialogue.settings import DialogueSettings
from services.embedding.settings import EmbeddingSettings
from services.gateway.settings import GatewaySettings
from services.isolation.settings import IsolationSettings
from services.journal.settings import JournalSettings
from services.link.settings import LinkSettings
from services.listening.settings import ListeningSettings
from services.llm.settings import LlmSettings
from services.local.settings import LocalSettings
from services.memory.settings import MemorySettings
from services.metrics.settings import MetricsSettings
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from services.stt.settings import SttSettings
from services.tts.settings import TtsSettings

__all__ = ["LogSettings", "Settings"]


class LogSettings(BaseModel):
    """What is logged, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = "warning"
    """The least that is shown."""
    format: Literal["console", "json"] = "console"
    """Lines for a person, or JSON."""
    file: Path | None = None
    """A file that gets every line as JSON as well."""


class Settings(BaseModel):
    """Everything that can be set. `language` and `wake` hold for every part that does not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field("en", pattern=r"^[a-z]{2}$")
    """The conversation's language, ISO 639-1."""
    wake: tuple[str, ...] = ()
    """Wake words that open the conversation, as `hey_jarvis`; empty: the microphone is always open."""
    audio: AudioSettings = AudioSettings()
    listening: ListeningSettings = ListeningSettings()
    stt: SttSettings = SttSettings()
    dialogue: DialogueSettings = DialogueSettings()
    skills: SkillsSettings = SkillsSettings()
    llm: LlmSettings = LlmSettings()
    tts: TtsSettings = TtsSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    memory: MemorySettings = MemorySettings()
    models: ModelsSettings = ModelsSettings()
    bus: LinkSettings = LinkSettings()
    isolation: IsolationSettings = IsolationSettings()
    journal: JournalSettings = JournalSettings()
    metrics: MetricsSettings = MetricsSettings()
    gateway: GatewaySettings = GatewaySettings()
    local: LocalSettings = LocalSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _shared(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        shared = {
            "language": ("dialogue", "llm", "tts"),
            "wake": ("dialogue", "listening"),
        }
        filled = dict(values)
        for key, parts in shared.items():
            for part in parts if key in values else ():
                own = filled.get(part, {})
                if isinstance(own, dict):
                    filled[part] = {key: values[key], **own}
        return filled
