"""The root of every error a person may meet: it says what happened and what to do about it."""

from __future__ import annotations

__all__ = ["ConfigError", "SottoError"]


class SottoError(Exception):
    """What happened, and (where there is one) the remedy: an action or a command the reader can take.

    Leaves are named by situation and live beside the code that raises them.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class ConfigError(SottoError):
    """A setting is unknown or has a value that cannot be used."""
