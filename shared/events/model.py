"""Engines' weights: which are in use, and which arrive."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, Literal

from shared.events.base import Event

__all__ = [
    "ModelCancel",
    "ModelFailed",
    "ModelLoad",
    "ModelLoaded",
    "ModelProgress",
    "ModelPull",
    "ModelPulled",
    "ModelUnload",
    "ModelUnloaded",
    "Role",
]

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


class ModelUnload(_ModelEvent):
    """Request: let this model's weights go once what it is at has ended; the next request for it loads them again.

    `name` empty means every model of the role.
    """

    kind: ClassVar[str] = "model.unload"
    replies: ClassVar[tuple[str, ...]] = ("model.unloaded", "model.failed")


class ModelUnloaded(_ModelEvent):
    """The role's engine let its weights go."""

    kind: ClassVar[str] = "model.unloaded"


class ModelFailed(_ModelEvent):
    """The model cannot be used."""

    kind: ClassVar[str] = "model.failed"
    message: str
    """What is wrong and what to do, for a person."""


class ModelPull(Event):
    """Request: bring a model of the catalogue here, after those that were asked for before."""

    kind: ClassVar[str] = "model.pull"
    replies: ClassVar[tuple[str, ...]] = ("model.pulled", "model.failed")
    name: str
    """Its name in the catalogue."""


class ModelCancel(Event):
    """Request: pull this model no further; what came of it is kept, and the next pull goes on from there."""

    kind: ClassVar[str] = "model.cancel"
    name: str
    """Its name in the catalogue."""


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
