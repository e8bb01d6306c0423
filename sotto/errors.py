"""What may go wrong when Sotto is asked from a script: each says what happened and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shared.errors import SottoError

__all__ = [
    "Busy",
    "GenerationFailed",
    "InvalidRequest",
    "NoModel",
    "NotFinished",
    "PromptTooLong",
    "SottoError",
    "SpeechFailed",
    "handled",
]


class NoModel(SottoError):
    """There is no language model, or none of that name, or its engine is not installed."""


class PromptTooLong(SottoError):
    """The prompt does not fit the model's context; the message has both numbers."""


class Busy(SottoError):
    """More is asked at once than the model has room for."""


class InvalidRequest(SottoError):
    """An argument cannot be used: a number out of its bounds, or a form that no text can have."""


class GenerationFailed(SottoError):
    """The engine broke while it answered, or the Sotto that was asked ended."""


class NotFinished(SottoError):
    """The answer was cut off before it had the form that was asked for."""


class SpeechFailed(SottoError):
    """Sound could not be read or understood, or a text could not be spoken."""


@contextlib.contextmanager
def handled(errors: str) -> Iterator[None]:
    """Let failures out with "raise", and end the block at them with "none". Raises InvalidRequest for another word."""
    if errors not in ("raise", "none"):
        raise InvalidRequest(f"errors is {errors!r}.", remedy='Say "raise" or "none".')
    try:
        yield
    except SottoError:
        if errors == "raise":
            raise
