"""Isolation: a service in a process of its own, behind the same mailbox: the death of its engine costs a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.isolation.nursery import Nursery
    from services.isolation.recipe import Recipe
    from services.isolation.service import Isolated
    from services.isolation.settings import Apart, IsolationSettings
else:
    __getattr__ = lazily(
        __name__,
        {".nursery": "Nursery", ".recipe": "Recipe", ".service": "Isolated", ".settings": "Apart IsolationSettings"},
    )

__all__ = ["Apart", "Isolated", "IsolationSettings", "Nursery", "Recipe"]
