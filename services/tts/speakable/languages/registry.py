"""The languages that Sotto writes out; in every other one, numbers are left to the engine's own rules."""

from __future__ import annotations

import functools

from services.tts.speakable.languages.english import English
from services.tts.speakable.languages.french import French
from services.tts.speakable.languages.german import German
from services.tts.speakable.languages.language import Language
from services.tts.speakable.languages.spanish import Spanish

__all__ = ["language_of"]

_KNOWN: dict[str, type[Language]] = {"en": English, "de": German, "fr": French, "es": Spanish}


@functools.cache
def language_of(tag: str) -> Language | None:
    """Return the language of a tag (`de`, `en-GB`, `fr_CA`), or None for one that is not written out."""
    base, _, region = tag.replace("_", "-").lower().partition("-")
    known = _KNOWN.get(base)
    return None if known is None else known(region)
