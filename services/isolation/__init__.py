"""Isolation: a service in a process of its own, behind the same mailbox: the death of its engine costs a sentence."""

from __future__ import annotations

from services.isolation.nursery import Nursery
from services.isolation.recipe import Recipe
from services.isolation.service import Isolated
from services.isolation.settings import Apart, IsolationSettings

__all__ = ["Apart", "Isolated", "IsolationSettings", "Nursery", "Recipe"]
