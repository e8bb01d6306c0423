"""The model that is always there: a small one of our own, which is used while no other is installed.

`scripts/train_builtin.py` makes it; CARD.md says what it can, and with which hash.
"""

from __future__ import annotations

from pathlib import Path

from shared.installed import InstalledModel

__all__ = ["CARD", "FILE", "NAME", "builtin_model"]

NAME = "sotto-builtin"
FILE = Path(__file__).with_name("sotto-builtin.gguf")
CARD = Path(__file__).with_name("CARD.md")


def builtin_model() -> InstalledModel | None:
    """The model, None where its file was left out."""
    if not FILE.is_file():
        return None
    return InstalledModel("llm", NAME, "llama-cpp", FILE.parent, (FILE,), ("en",))
