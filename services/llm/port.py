"""The port of the language model: an engine opens a model's files, a model answers requests, several at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pydantic import JsonValue

from services.llm.cores import Cores
from services.llm.settings import LlmSettings
from shared.clock import Clock
from shared.errors import SottoError
from shared.events import LlmPrepare, LlmRequest, TokenChance, Usage
from shared.installed import InstalledModel

__all__ = [
    "Answer",
    "Engine",
    "EngineMissing",
    "Finish",
    "GenerationFailed",
    "InvalidRequest",
    "LanguageModel",
    "ModelUnusable",
    "Outcome",
    "PromptTooLong",
    "StructureImpossible",
    "ToolWish",
]

Finish: TypeAlias = Literal["stop", "length", "tool", "cancelled", "deadline"]


class EngineMissing(SottoError):
    """The library that runs the model is not installed (yet)."""


class ModelUnusable(SottoError):
    """A model's files cannot be used: missing, truncated, corrupt, or of a kind that does not generate text."""


class PromptTooLong(SottoError):
    """Even without any older turn the prompt does not fit the model's context."""


class InvalidRequest(SottoError):
    """A field of the request has a value that cannot be used."""


class StructureImpossible(InvalidRequest):
    """The form asked for cannot be had: broken, contradictory, or too large."""


class GenerationFailed(SottoError):
    """The engine broke while it generated."""


@dataclass(frozen=True, slots=True)
class ToolWish:
    """A tool the model asked for, in the order it asked."""

    name: str
    arguments: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended and what it cost."""

    finish: Finish
    tools: tuple[ToolWish, ...]
    usage: Usage
    chances: tuple[TokenChance, ...] = ()
    """How likely each token was, where the request asks for it."""


class Answer(Protocol):
    """A generation under way; iterate once over its pieces of speakable text, then ask for the outcome."""

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield text as it is generated, never an empty piece; leaving before the end cancels.

        Raises PromptTooLong, InvalidRequest or GenerationFailed.
        """
        ...

    async def outcome(self) -> Outcome:
        """Wait until the engine has let go of this generation, and return how it ended."""
        ...

    def cancel(self) -> None:
        """End it within one step of the engine; what was generated stays readable. Harmless when it has ended."""
        ...


class LanguageModel(Protocol):
    """An open model. Requests are answered beside each other; interactive ones have the engine to themselves."""

    def answer(self, request: LlmRequest) -> Answer:
        """Begin (or queue) the answer to the request's messages."""
        ...

    def prepare(self, wish: LlmPrepare) -> Answer:
        """Begin to evaluate what a request will begin with, and say nothing.

        It goes on while nobody needs the processor, and an interactive request ends it. Superseded or no longer
        wanted, it is to be cancelled; what it had evaluated by then is of use all the same.
        """
        ...

    async def fingerprint(self, request: LlmRequest, *, wait: bool) -> str:
        """Return the hash of everything beside the request that can change its answer.

        It is known once the model's files have been read, which begins when it is opened; without `wait` it is empty
        until then.
        """
        ...

    def moment(self) -> str:
        """What of the present moment stands in prompts, as the date; empty when nothing does."""
        ...

    async def close(self) -> None:
        """Cancel what runs and give the memory back. Closing twice is harmless."""
        ...


class Engine(Protocol):
    """Whoever can open models of one kind."""

    cores: Cores
    """Whoever knows that somebody speaks says it here; the open models obey."""

    def available(self) -> bool:
        """True when the engine's library is installed now; cheap enough to ask at each request."""
        ...

    async def forget(self, settings: LlmSettings) -> int:
        """Drop all evaluated prompts, in memory and on disk; returns how many. Raises OSError for what stays."""
        ...

    async def open(self, model: InstalledModel, settings: LlmSettings, clock: Clock) -> LanguageModel:
        """Read the model's files and return it ready to answer. Raises EngineMissing or ModelUnusable."""
        ...
