"""A model of our own: small, made by `scripts/train_builtin.py`, and used in conversations while no other can be."""

from __future__ import annotations

from pathlib import Path

from shared.installed import InstalledModel

__all__ = ["FILE", "NAME", "builtin_model"]

NAME = "sotto-builtin"
FILE = Path(__file__).with_name("sotto-builtin.gguf")
"""Where it is put; its card is CARD.md beside it."""


def builtin_model() -> InstalledModel | None:
    """The model, None where none was made."""
    if not FILE.is_file():
        return None
    return InstalledModel("llm", NAME, "llama-cpp", FILE.parent, (FILE,), ("en",))
