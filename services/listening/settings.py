"""Settings of listening: when a voice counts as speech, and which wake words gate it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import ConfigError

__all__ = ["WAKE_WORDS", "ListeningSettings"]

WAKE_WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
"""Those that pymicro-wakeword brings: named here, so that a wrong one is refused before anything starts."""


class ListeningSettings(BaseModel):
    """How microphone frames become speech, silence and wake words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_threshold: float = Field(default=0.5, gt=0, lt=1)
    """Voice probability at which a window counts towards the onset of speech."""
    stop_threshold: float = Field(default=0.35, gt=0, lt=1)
    """Voice probability below which a window counts as silence; between the two, what was goes on."""
    onset_windows: int = Field(default=2, ge=1, le=16)
    """Windows of 32 ms in a row above `start_threshold` that make an onset: a click fills one."""
    sure_threshold: float = Field(default=0.6, gt=0, le=1)
    """Voice probability from which a single window is an onset; 1 waits for `onset_windows` always."""
    hangover_ms: int = Field(default=160, ge=32, le=2000)
    """Silence after which `speech.ended` is said; dialogue waits longer before it believes the person is done."""
    wake: tuple[str, ...] = ()
    """Wake words to spot, of `WAKE_WORDS`. None: the microphone is open."""
    wake_refractory_ms: int = Field(default=2000, ge=0)
    """After a wake word no other is reported for this long."""
    backlog_ms: int = Field(default=20_000, ge=100)
    """Sound that may wait to be listened to; beyond it the oldest is dropped and speech in progress ends there."""

    @model_validator(mode="after")
    def _ordered(self) -> ListeningSettings:
        if self.stop_threshold > self.start_threshold:
            raise ConfigError(
                f"listening.stop_threshold ({self.stop_threshold}) is above start_threshold ({self.start_threshold}).",
                remedy="Set stop_threshold at or below start_threshold.",
            )
        return self

    @model_validator(mode="after")
    def _known(self) -> ListeningSettings:
        for name in self.wake:
            if name not in WAKE_WORDS:
                raise ConfigError(f"No wake word is named {name!r}.", remedy=f"Known: {', '.join(WAKE_WORDS)}.")
        return self
