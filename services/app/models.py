"""The models on disk that every engine is opened from."""

from __future__ import annotations

from services.models import Store
from services.settings import Settings

__all__ = ["shelf"]


def shelf(settings: Settings) -> Store:
    """Return the folder of models that the settings name."""
    return Store(settings.models)
