"""Engines' weights: which are in use, and which arrive."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, Literal

from shared.events.base import Event

__all__ = ["ModelFailed", "ModelLoad", "ModelLoaded", "ModelProgress", "ModelPulled", "ModelUnloaded", "Role"]

Role = Literal["vad", "wake", "stt", "llm", "tts", "embedding", "rerank"]


class _ModelEvent(Event):
    role: Role
    name: str
    """Catalogue name, or the engine's own when it needs no files."""
    engine: str


class ModelLoad(_ModelEvent):
    """Request: use this model from the next turn on; `name` empty lets the service choose the best present."""

    kind: ClassVar[str] = "model.load"
    replies: ClassVar[tuple[str, ...]] = ("model.loaded", "model.failed")


class ModelLoaded(_ModelEvent):
    """The role's engine is in use."""

    kind: ClassVar[str] = "model.loaded"
    retained: ClassVar[bool] = True
    load_ns: int

    def slot(self) -> Hashable:
        return ("model", self.role)


class ModelUnloaded(_ModelEvent):
    """The role's engine let its weights go."""

    kind: ClassVar[str] = "model.unloaded"


class ModelFailed(_ModelEvent):
    """The model cannot be used."""

    kind: ClassVar[str] = "model.failed"
    message: str
    """What is wrong and what to do, for a person."""


class ModelProgress(_ModelEvent):
    """A pull goes on."""

    kind: ClassVar[str] = "model.progress"
    done_bytes: int
    total_bytes: int


class ModelPulled(_ModelEvent):
    """Files of a model arrived and were verified; its service may take it over between turns."""

    kind: ClassVar[str] = "model.pulled"
    path: str
    """Folder that holds the files."""
