"""The pulled voices, and which of them should speak a clause, if any: by name, by preference, by language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from services.tts.port import TtsError
from services.tts.settings import TtsSettings
from shared.installed import InstalledModel, Shelf

__all__ = ["BUILT_IN", "VoiceMissing", "Voices", "is_espeak_voice"]

BUILT_IN: Final = "espeak-ng"
_PIPER_NAME: Final = re.compile(r"[a-z]{2,3}_[A-Z]{2}-")


class VoiceMissing(TtsError):
    """The voice asked for was never pulled."""


class Voices:
    """See the module. What is on the shelf is looked up each time; what was refused is left out."""

    def __init__(self, settings: TtsSettings, shelf: Shelf) -> None:
        self._settings = settings
        self._shelf = shelf
        self._refused: set[str] = set()
        self._preferred = settings.voice

    def best(self, language: str, voice: str = "") -> InstalledModel | None:
        """Return the best pulled voice: the one named, the preferred, the shelf's first of the language.

        None when the built-in engine is to speak: nothing fits, or it was asked for.
        """
        if BUILT_IN in (self._settings.engine, voice):
            return None
        usable = tuple(self._usable())
        named = next((m for m in usable if m.name == voice), None)
        if named is not None:
            return named
        if is_espeak_voice(voice or self._preferred):
            return None
        speaking = [m for m in usable if _speaks(m, language)]
        return next((m for m in speaking if m.name == self._preferred), speaking[0] if speaking else None)

    def prefer(self, name: str) -> InstalledModel | None:
        """Prefer a voice: a pulled one, one of espeak-ng, or with "" whatever is best.

        Returns the pulled voice that should speak now, or None. Raises VoiceMissing for one that is not there.
        """
        self._refused.discard(name)
        if not name:
            self._refused.clear()
        elif not is_espeak_voice(name) and not self._has(name):
            raise _missing(name)
        self._preferred = name
        return self.best(self._settings.language, name)

    def arrived(self, name: str) -> InstalledModel | None:
        """A voice was pulled, perhaps anew: return it if it is now the best of a language it speaks."""
        self._refused.discard(name)
        model = next((m for m in self._usable() if m.name == name), None)
        return model if model is not None and self._serves(model) else None

    def refuse(self, name: str) -> None:
        """Leave a voice out until it is pulled or asked for anew."""
        self._refused.add(name)

    def serving(self) -> frozenset[str]:
        """Return the names of all voices that are the best of a language they speak."""
        return frozenset(m.name for m in self._usable() if self._serves(m))

    def require(self) -> None:
        """Raise VoiceMissing when what the settings ask for by name is not there."""
        voice, language = self._settings.voice, self._settings.language
        if voice and not is_espeak_voice(voice) and not self._has(voice):
            raise _missing(voice)
        if self._settings.engine == "piper" and self.best(language) is None:
            raise VoiceMissing(f"There is no Piper voice for {language!r} here.", remedy="See `sotto models list`.")

    def _serves(self, model: InstalledModel) -> bool:
        languages = model.languages or (self._settings.language,)
        return model.name == self._preferred or any(self.best(language) == model for language in languages)

    def _has(self, name: str) -> bool:
        return any(m.name == name for m in self._usable())

    def _usable(self) -> Iterator[InstalledModel]:
        return (m for m in self._shelf.installed("tts") if m.engine == "piper" and m.name not in self._refused)


def is_espeak_voice(name: str) -> bool:
    """True for a name that is no Piper voice's, which all begin with language, region and a dash: `en_GB-alba`."""
    return bool(name) and _PIPER_NAME.match(name) is None


def _missing(name: str) -> VoiceMissing:
    return VoiceMissing(f"The voice {name} is not here.", remedy=f"`sotto models pull {name}` gets it.")


def _speaks(model: InstalledModel, language: str) -> bool:
    base = language.replace("_", "-").lower().partition("-")[0]
    return not model.languages or any(
        spoken.replace("_", "-").lower().partition("-")[0] == base for spoken in model.languages
    )
